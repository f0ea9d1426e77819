/**
 * The parallel form of retention (arXiv 2307.08621, equation 5): every token against every earlier
 * one, in blocks of queries and keys. The form in which the paper trains.
 *
 * <p>For users; a model of how a form is written, for authors of others.
 */
package org.retention4j.parallel;
