package org.retention4j.text;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one sequence: repetition penalty, temperature, top-k, top-p, a draw, in
 * that order; ties go to the lower token. The same seed gives the same tokens on every platform.
 * Used by one thread at a time; choosing allocates nothing.
 */
public final class Sampler {
  private final SamplingOptions options;
  private final int vocabulary;
  private final SplittableRandom random;
  private final BitSet seen;

  /** Logits and tokens as numbers that sort from the likeliest to the least likely. */
  private final long[] keys;

  private final double[] weights;
  private final float[] scores;
  private double logProbability = Double.NaN;

  /**
   * Makes one that has seen no token.
   *
   * @param vocabulary number of tokens
   */
  public Sampler(SamplingOptions options, int vocabulary) {
    if (vocabulary < 1) {
      throw new IllegalArgumentException("expected a vocabulary >= 1, got " + vocabulary);
    }
    this.options = options;
    this.vocabulary = vocabulary;
    random = new SplittableRandom(options.seed());
    seen = new BitSet(vocabulary);
    keys = new long[vocabulary];
    weights = new double[vocabulary];
    scores = new float[vocabulary];
  }

  /** Counts a token as seen, for the repetition penalty. */
  public void accept(int token) {
    seen.set(token);
  }

  /**
   * Chooses the next token; it counts as seen from now on.
   *
   * @param logits (vocabulary), not changed
   * @throws IllegalStateException if a logit is NaN
   */
  public int sample(float[] logits) {
    double logSum = logSumOfExponentials(logits);
    penalise(logits);
    int token = options.temperature() == 0 ? largest() : draw();
    logProbability = logits[token] - logSum;
    seen.set(token);
    return token;
  }

  /**
   * Returns the natural logarithm of the last token's probability under the softmax of the logits
   * as they were given; NaN before the first.
   */
  public double logProbability() {
    return logProbability;
  }

  private double logSumOfExponentials(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      if (Float.isNaN(logits[i])) {
        throw new IllegalStateException("expected logits that are numbers, got NaN for token " + i);
      }
      max = Math.max(max, logits[i]);
    }
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) {
      sum += Math.exp(logits[i] - max);
    }
    return max + Math.log(sum);
  }

  private void penalise(float[] logits) {
    System.arraycopy(logits, 0, scores, 0, vocabulary);
    if (options.repetitionPenalty() == 1) {
      return;
    }
    for (int i = seen.nextSetBit(0); i >= 0; i = seen.nextSetBit(i + 1)) {
      double penalty = options.repetitionPenalty();
      scores[i] = (float) (scores[i] > 0 ? scores[i] / penalty : scores[i] * penalty);
    }
  }

  private int largest() {
    int best = 0;
    for (int i = 1; i < vocabulary; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  private int draw() {
    int count = candidates();
    double max = scores[token(keys[0])] / options.temperature();
    double total = 0;
    for (int i = 0; i < count; i++) {
      weights[i] = Math.exp(scores[token(keys[i])] / options.temperature() - max);
      total += weights[i];
    }
    if (options.topP() < 1) {
      double wanted = options.topP() * total;
      double mass = 0;
      int kept = 0;
      while (kept < count && mass < wanted) {
        mass += weights[kept++];
      }
      count = Math.max(1, kept);
      total = mass;
    }
    double point = random.nextDouble() * total;
    for (int i = 0; i < count - 1; i++) {
      point -= weights[i];
      if (point < 0) {
        return token(keys[i]);
      }
    }
    return token(keys[count - 1]);
  }

  /** Puts the tokens that may be chosen first in {@link #keys}, the likeliest at the front. */
  private int candidates() {
    for (int i = 0; i < vocabulary; i++) {
      keys[i] = key(scores[i], i);
    }
    int k = options.topK() == 0 ? vocabulary : Math.min(options.topK(), vocabulary);
    if (k < vocabulary) {
      selectSmallest(k);
    }
    if (k < vocabulary || options.topP() < 1) {
      Arrays.sort(keys, 0, k);
    } else {
      bringSmallestToFront();
    }
    return k;
  }

  private void bringSmallestToFront() {
    int best = 0;
    for (int i = 1; i < vocabulary; i++) {
      best = keys[i] < keys[best] ? i : best;
    }
    long key = keys[best];
    keys[best] = keys[0];
    keys[0] = key;
  }

  /** Partitions until the k smallest keys stand first; all keys differ. */
  private void selectSmallest(int k) {
    int low = 0;
    int high = vocabulary - 1;
    while (low < high) {
      long pivot = keys[(low + high) >>> 1];
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] < pivot) {
          i++;
        }
        while (keys[j] > pivot) {
          j--;
        }
        if (i <= j) {
          long key = keys[i];
          keys[i++] = keys[j];
          keys[j--] = key;
        }
      }
      if (k - 1 <= j) {
        high = j;
      } else if (k - 1 >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  /** Returns a number that is smaller for a larger score, and for a lower token of equals. */
  private static long key(float score, int token) {
    int bits = Float.floatToIntBits(score + 0f);
    int ordered = bits >= 0 ? bits : bits ^ 0x7fffffff;
    return ((long) ~ordered << 32) | token;
  }

  private static int token(long key) {
    return (int) key;
  }
}
