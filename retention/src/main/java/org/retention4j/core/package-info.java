/**
 * Multi-scale retention (arXiv 2307.08621): configuration, weights, state, and the block in any
 * form. Start at {@link org.retention4j.core.MultiScaleRetention} for the block from x to y, at
 * {@link org.retention4j.core.RetentionCore} for the core on q, k and v, and at {@link
 * org.retention4j.core.reference} for the mathematics in plain float64.
 *
 * <p>For users.
 */
package org.retention4j.core;
