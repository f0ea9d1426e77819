package org.retention4j.model;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.core.Resets;

/** Texts as vectors: the mean over a text's tokens of what the last layer makes of them. */
final class TextVectors {
  /** Texts that are read at once. */
  private static final int ROWS = 16;

  private TextVectors() {}

  /** Returns (N,D) of N texts of at least one token each. */
  static float[][] of(LanguageModel model, int[][] texts) {
    for (int i = 0; i < texts.length; i++) {
      if (texts[i] == null || texts[i].length == 0) {
        throw new IllegalArgumentException(
            "expected at least 1 token in text " + i + ", got " + (texts[i] == null ? null : 0));
      }
      requireKnown(texts[i], model.config().vocabulary(), i);
    }
    float[][] vectors = new float[texts.length][];
    for (int first = 0; first < texts.length; first += ROWS) {
      int[][] some = Arrays.copyOfRange(texts, first, Math.min(first + ROWS, texts.length));
      float[][] means = means(model, some);
      System.arraycopy(means, 0, vectors, first, some.length);
    }
    return vectors;
  }

  /** Before any is read, and by the number that its caller knows it by. */
  private static void requireKnown(int[] text, int vocabulary, int number) {
    for (int token : text) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected tokens in 0..%d, the vocabulary, got %d in text %d",
                vocabulary - 1,
                token,
                number));
      }
    }
  }

  private static float[][] means(LanguageModel model, int[][] texts) {
    SessionOptions options = SessionOptions.DEFAULT;
    int vocabulary = model.config().vocabulary();
    double[][] sums = new double[texts.length][model.config().modelWidth()];
    try (SequenceStates states = SequenceStates.of(model.layers(), texts.length, options.cache());
        LastLogits logits = new LastLogits(model.engine(), texts.length, vocabulary)) {
      new SessionChecks(model, states).rows(texts, Resets.none());
      new SessionAdvance(model, options, states.layers(), logits)
          .append(
              texts,
              (row, values) -> {
                for (int i = 0; i < values.length; i++) {
                  sums[row][i] += values[i];
                }
              });
    }
    float[][] means = new float[texts.length][sums[0].length];
    for (int row = 0; row < texts.length; row++) {
      for (int i = 0; i < means[row].length; i++) {
        means[row][i] = (float) (sums[row][i] / texts[row].length);
      }
    }
    return means;
  }
}
