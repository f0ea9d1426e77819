/**
 * Decoder layers and the stack of them, from tokens to logits: weights, and plans bound to a batch
 * size and a micro-batch. Which mixers there are is not known here.
 *
 * <p>For users: {@link TokenLogits}. What else is public is for this project's modules; may change
 * at any time.
 */
package org.retention4j.model.stack;
