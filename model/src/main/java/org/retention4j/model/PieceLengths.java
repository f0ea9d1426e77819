package org.retention4j.model;

import java.util.List;
import org.retention4j.core.RetentionForm;

/** How many tokens of each row of a batch are computed at once. */
final class PieceLengths {
  private static final int STEP = 64;

  /** A length that only a form which wants whole sequences takes at once. */
  private static final int ANY_LENGTH = 1 << 20;

  /** So many rows of all sequences together keep products fast and buffers small. */
  private static final int ROWS = 512;

  private PieceLengths() {}

  /**
   * Returns the tokens of a piece: as few as a layer asks for, and a share of {@value #ROWS} in a
   * batch. A form that wants whole sequences gets them where a layer retains.
   */
  static int of(List<DecoderLayer> layers, RetentionForm form, int batch, int longest) {
    boolean whole =
        form.pieceLength(ANY_LENGTH) >= ANY_LENGTH
            && layers.stream().anyMatch(layer -> layer.mixer() instanceof RetentionMixer);
    if (whole) {
      return Math.max(1, longest);
    }
    int share = Math.max(STEP, ROWS / batch / STEP * STEP);
    int piece = Math.min(share, Math.max(1, longest));
    for (DecoderLayer layer : layers) {
      piece = Math.min(piece, layer.mixer().pieceLength(form, longest));
    }
    return Math.max(1, piece);
  }

  /**
   * Returns the next power of two up to {@value #STEP}, then the next multiple of it: bindings are
   * made for few lengths, so that they are found again.
   */
  static int roundUp(int tokens) {
    if (tokens <= STEP) {
      return tokens <= 1 ? 1 : Integer.highestOneBit(tokens - 1) << 1;
    }
    return (tokens + STEP - 1) / STEP * STEP;
  }
}
