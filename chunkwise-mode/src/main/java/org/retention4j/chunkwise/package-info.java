/**
 * The chunkwise form of retention (arXiv 2307.08621, equation 7): parallel in a chunk, recurrent
 * across, the form for prefill.
 *
 * <p>For users; a model of how a form is written, for authors of others.
 */
package org.retention4j.chunkwise;
