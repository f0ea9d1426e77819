package org.retention4j.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;

/**
 * How long a state of retention remembers, without a trained model. Each token writes one pair into
 * one head's state: a random key (K) of length 1, and a code (V), drawn from a vocabulary of random
 * ones of length 1. A key asks for its code, q S, and the answer is the code of the vocabulary that
 * is nearest to it, by the scalar product.
 *
 * <p>Recall holds as long as two of three asks are right. That is where a signal of c standard
 * deviations of the noise stands, c = √(2 ln vocabulary): the largest of so many Gaussian scores is
 * about c, and with the noise of the right code's own score 0.65 to 0.70 of the asks are right for
 * vocabularies of 30 to 256,000 (∫ φ(z) Φ(c + z)^(vocabulary−1) dz). The model module's {@code
 * Horizon} says by formula what this measures.
 *
 * <p>The same for the same seed, form and engine; takes about a second. Not for use by several
 * threads at once.
 *
 * @since 0.1
 */
public final class RecallExperiment {
  /** The part of the asks that are right where recall just holds. */
  public static final double RIGHT = 2.0 / 3;

  /** States that are written side by side. */
  private static final int ROWS = 16;

  /** How many pairs of each are asked for where all are equally old. */
  private static final int ASKS = 80;

  private static final int FEW = 8;

  private static final double NEARLY_ALL = 0.85;

  private final Engine engine;
  private final RetentionCore core;
  private final int keyWidth;
  private final int valueWidth;
  private final long seed;
  private final double[][] codes;

  /**
   * Draws a vocabulary.
   *
   * @param engine stays the caller's
   * @param form in which pairs are written
   * @param keyWidth K, at least 1
   * @param valueWidth V, at least 1
   * @param vocabulary number of codes, at least 2
   * @throws IllegalArgumentException for a size out of its range
   */
  public RecallExperiment(
      Engine engine, RetentionForm form, int keyWidth, int valueWidth, int vocabulary, long seed) {
    if (keyWidth < 1 || valueWidth < 1 || vocabulary < 2) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected K >= 1, V >= 1 and a vocabulary >= 2, got %d, %d and %d",
              keyWidth,
              valueWidth,
              vocabulary));
    }
    this.engine = engine;
    core = new RetentionCore(engine, form);
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    this.seed = seed;
    Random random = new Random(seed);
    codes = new double[vocabulary][];
    for (int i = 0; i < vocabulary; i++) {
      codes[i] = unit(random, valueWidth);
    }
  }

  /**
   * Returns the age in tokens up to which recall holds, once far more has been written than is
   * remembered; 0 if it never does.
   *
   * @param logDecay ln γ, less than 0
   * @throws IllegalArgumentException for another decay
   */
  public double horizon(double logDecay) {
    if (!(logDecay < 0) || Double.isInfinite(logDecay)) {
      throw new IllegalArgumentException("expected a finite ln γ < 0, got " + logDecay);
    }
    // At the last age a pair is weaker than the noise of any single newer one.
    int oldest = (int) Math.ceil(0.5 * Math.log((double) keyWidth * valueWidth) / -logDecay);
    int tokens = Math.max(oldest + 1, (int) Math.ceil(4 / -logDecay));
    try (Memory memory = new Memory(logDecay)) {
      memory.write(tokens);
      double[][][] states = memory.states();
      double age = 0;
      double held = 1;
      for (int first = 0; first <= oldest; ) {
        int end = Math.min(oldest, first + first / 10) + 1;
        int right = 0;
        for (int n = first; n < end; n++) {
          right += memory.right(states, tokens - 1 - n);
        }
        double middle = (first + end - 1) / 2.0;
        double part = (double) right / (ROWS * (end - first));
        if (part < RIGHT) {
          return first == 0 ? 0 : between(age, held, middle, part);
        }
        age = middle;
        held = part;
        first = end;
      }
      return oldest;
    }
  }

  /** Returns how many pairs a state without decay, γ = 1, holds before recall fails. */
  public double capacity() {
    Random random = new Random(~seed);
    try (Memory memory = new Memory(0)) {
      double pairs = 0;
      double held = 1;
      for (int count = 1; ; count += 1 + count / 8) {
        memory.write(count - memory.written);
        double[][][] states = memory.states();
        // Some asks show that recall is far from failing; only near it are many worth their time.
        double part = memory.part(states, random, FEW);
        if (part < NEARLY_ALL) {
          part = memory.part(states, random, ASKS);
        }
        if (part < RIGHT) {
          return between(pairs, held, count, part);
        }
        pairs = count;
        held = part;
      }
    }
  }

  /** Returns where the line through two points crosses {@link #RIGHT}. */
  private static double between(double x, double held, double next, double failed) {
    return x + (next - x) * (held - RIGHT) / (held - failed);
  }

  private static double[] unit(Random random, int width) {
    double[] x = new double[width];
    double sum = 0;
    for (int i = 0; i < width; i++) {
      x[i] = random.nextGaussian();
      sum += x[i] * x[i];
    }
    double length = Math.sqrt(sum);
    for (int i = 0; i < width; i++) {
      x[i] /= length;
    }
    return x;
  }

  private static double dot(double[] a, double[] b) {
    int whole = a.length & ~3;
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    for (int i = 0; i < whole; i += 4) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (int i = whole; i < a.length; i++) {
      s0 += a[i] * b[i];
    }
    return s0 + s1 + (s2 + s3);
  }

  /** Some states of one head, and what was written into them. */
  private final class Memory implements AutoCloseable {
    private final Random random = new Random(seed + 1);
    private final LogDecay decay;
    private final RetentionState state;
    private final List<double[][]> keys = new ArrayList<>();
    private final List<int[]> values = new ArrayList<>();
    private int written;

    Memory(double logDecay) {
      decay = new LogDecay.PerHead(new double[] {logDecay});
      state = RetentionState.zeros(engine, ROWS, 1, keyWidth, valueWidth);
    }

    /** Writes as many new pairs into every state. */
    void write(int count) {
      double[] k = new double[ROWS * count * keyWidth];
      double[] v = new double[ROWS * count * valueWidth];
      for (int t = 0; t < count; t++) {
        double[][] some = new double[ROWS][];
        int[] drawn = new int[ROWS];
        for (int row = 0; row < ROWS; row++) {
          some[row] = unit(random, keyWidth);
          drawn[row] = random.nextInt(codes.length);
          int place = row * count + t;
          System.arraycopy(some[row], 0, k, place * keyWidth, keyWidth);
          System.arraycopy(codes[drawn[row]], 0, v, place * valueWidth, valueWidth);
        }
        keys.add(some);
        values.add(drawn);
      }
      INDArray key = Tensors.of(k, engine.dataType(), ROWS, count, 1, keyWidth);
      INDArray value = Tensors.of(v, engine.dataType(), ROWS, count, 1, valueWidth);
      core.advance(RetentionCall.of(key, key, value, decay), state);
      written += count;
    }

    /** Returns the states' columns, [row][value channel][key channel]. */
    double[][][] states() {
      double[] all = Tensors.flat(state.toArray());
      double[][][] columns = new double[ROWS][valueWidth][keyWidth];
      for (int i = 0; i < all.length; i++) {
        int row = i / (keyWidth * valueWidth);
        columns[row][i % valueWidth][i / valueWidth % keyWidth] = all[i];
      }
      return columns;
    }

    /** Returns the part of right answers of all states for as many of what was written. */
    double part(double[][][] states, Random random, int asks) {
      int right = 0;
      for (int i = 0; i < asks; i++) {
        right += right(states, random.nextInt(written));
      }
      return (double) right / (ROWS * asks);
    }

    /** Returns how many of the states give the right code for what a token wrote. */
    int right(double[][][] states, int token) {
      int right = 0;
      for (int row = 0; row < ROWS; row++) {
        double[] answer = new double[valueWidth];
        for (int j = 0; j < valueWidth; j++) {
          answer[j] = dot(states[row][j], keys.get(token)[row]);
        }
        right += nearest(answer) == values.get(token)[row] ? 1 : 0;
      }
      return right;
    }

    private int nearest(double[] answer) {
      int best = 0;
      double most = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < codes.length; i++) {
        double score = dot(codes[i], answer);
        if (score > most) {
          most = score;
          best = i;
        }
      }
      return best;
    }

    @Override
    public void close() {
      state.close();
    }
  }
}
