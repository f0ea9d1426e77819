/**
 * The recurrent form of retention (arXiv 2307.08621, equation 6): one token at a time, the form for
 * decoding.
 *
 * <p>For users; a model of how a form is written, for authors of others.
 */
package org.retention4j.recurrent;
