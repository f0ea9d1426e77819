/**
 * Causal softmax attention as a token mixer: keys and values of all earlier tokens, or of those in
 * a window, in a cache that grows.
 *
 * <p>Users meet {@link org.retention4j.model.mixer.attention.AttentionConfig}; the rest is for
 * those who measure or prove.
 */
package org.retention4j.model.mixer.attention;
