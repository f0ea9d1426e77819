/**
 * From logits to tokens and from tokens to text: tokenizers, sampling, and what streamed text
 * needs.
 *
 * <p>For users. Nothing here knows a model; everything works on plain arrays of logits and tokens.
 */
package org.retention4j.text;
