/**
 * Decoder layers and the stack of them, from tokens to logits: weights, and plans bound to a batch
 * size and a micro-batch. Which mixers there are is not known here.
 */
package org.retention4j.model.stack;
