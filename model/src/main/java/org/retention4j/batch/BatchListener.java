package org.retention4j.batch;

import java.util.Optional;
import org.retention4j.generate.Generation;
import org.retention4j.model.Snapshot;

/**
 * Learns what becomes of a sequence: its tokens, and then its end or its failure, once. Called by
 * the batch's thread, which all sequences wait for: it must be quick.
 *
 * @since 0.1
 */
public interface BatchListener {
  /**
   * Learns, before all else, that its prompt is read from now on.
   *
   * @param cached tokens at its beginning that a prefix cache knew, so that they are not
   */
  default void reading(int cached) {}

  /**
   * Takes a token.
   *
   * @param logProbability under the softmax of the unmodified logits
   * @param text that is certain with it, often empty, never half a character
   * @param logits (vocabulary) it was chosen from; only to be read, and only now
   */
  void token(int token, double logProbability, String text, float[] logits);

  /**
   * Takes the end.
   *
   * @param rest the end of the text that no token brought
   * @param state where it was to be kept: the listener's, who closes it
   */
  void ended(Generation generation, String rest, Optional<Snapshot> state);

  /** Takes the failure that ended it, for want of memory say, or of finite logits. */
  void failed(Throwable failure);
}
