package org.retention4j.model.stack;

/**
 * Receives the logits after each token of a text.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface TokenLogits {
  /**
   * Takes the logits that follow one token. Tokens of a row come in order; rows may alternate.
   *
   * @param row of the batch
   * @param position of the token, from 0 at the sequence's start, which a reset may be
   * @param logits (vocabulary) of the next token; reused, valid during the call
   */
  void accept(int row, long position, double[] logits);
}
