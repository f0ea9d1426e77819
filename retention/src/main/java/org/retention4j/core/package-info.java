/**
 * Multi-scale retention (arXiv 2307.08621): configuration, shared weights, state, the block, and
 * the interface that a form implements. Start at {@link org.retention4j.core.MultiScaleRetention}
 * for the block from x to y, at {@link org.retention4j.core.Retention} for the core on q, k and v,
 * and at {@link org.retention4j.core.ReferenceRetention} for the mathematics in plain float64.
 */
package org.retention4j.core;
