/**
 * Causal softmax attention as a token mixer: keys and values of all earlier tokens, or of those in
 * a window, in a cache that grows.
 */
package org.retention4j.model.mixer.attention;
