package org.retention4j.text;

import java.util.SplittableRandom;
import org.retention4j.args.Args;

/**
 * Chooses the next token of one sequence.
 *
 * <p>In this order, as in Hugging Face: repetition penalty, temperature, top-k, top-p, draw. Equal
 * logits are ordered by token, the lower first. The same seed and logits give the same tokens on
 * every platform. Nothing is allocated after construction. For one thread at a time.
 *
 * @since 0.1
 */
public final class Sampler {
  private final SamplingOptions options;
  private final float penalty;
  private final int vocabulary;
  private final boolean[] seen;
  private final float[] scores;
  private final long[] keys;
  private final double[] weights;
  private final SplittableRandom random;
  private double logProbability = Double.NaN;

  /**
   * Starts a sequence that has seen no token.
   *
   * @param vocabulary the number of logits, &gt;= 1
   * @throws IllegalArgumentException if vocabulary &lt; 1
   */
  public Sampler(SamplingOptions options, int vocabulary) {
    if (vocabulary < 1) {
      throw new IllegalArgumentException("expected vocabulary >= 1, got " + vocabulary);
    }
    this.options = Args.present("sampling options", options);
    this.vocabulary = vocabulary;
    penalty = (float) options.repetitionPenalty();
    seen = new boolean[vocabulary];
    scores = new float[vocabulary];
    boolean draws = !options.greedy();
    keys = new long[draws && (cutsByRank() || options.topP() < 1) ? vocabulary : 0];
    weights = new double[draws ? vocabulary : 0];
    random = new SplittableRandom(options.seed());
  }

  /**
   * Counts a token of the prompt, or one that was chosen elsewhere, for the repetition penalty. How
   * often it is counted makes no difference.
   *
   * @throws IllegalArgumentException if the token is not in 0..vocabulary-1
   */
  public void accept(int token) {
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "expected a token in 0.." + (vocabulary - 1) + ", got " + token);
    }
    seen[token] = true;
  }

  /**
   * Chooses a token and counts it for the repetition penalty.
   *
   * @param logits (vocabulary); unchanged; −∞ excludes a token
   * @return in 0..vocabulary-1
   * @throws IllegalArgumentException if the number of logits is not the vocabulary
   * @throws NonFiniteLogitsException if a logit is NaN or +∞
   * @throws IllegalStateException if all are −∞
   */
  public int sample(float[] logits) {
    Args.present("logits", logits);
    if (logits.length != vocabulary) {
      throw new IllegalArgumentException(
          "expected " + vocabulary + " logits, got " + logits.length);
    }
    float largest = largestOf(logits);
    int best = penalise(logits);
    int token = options.greedy() ? best : draw(scores[best]);
    logProbability = logSoftmax(logits, largest, token);
    seen[token] = true;
    return token;
  }

  /**
   * Returns the natural logarithm of the last chosen token's probability under the softmax of the
   * logits as they were given: no penalty, no temperature, nothing cut off.
   *
   * @throws IllegalStateException if no token was chosen yet
   */
  public double logProbability() {
    if (Double.isNaN(logProbability)) {
      throw new IllegalStateException("no token was chosen yet");
    }
    return logProbability;
  }

  private boolean cutsByRank() {
    return options.topK() > 0 && options.topK() < vocabulary;
  }

  private static float largestOf(float[] logits) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      float x = logits[i];
      if (!(x < Float.POSITIVE_INFINITY)) {
        throw new NonFiniteLogitsException(x, "for token " + i + " of the vocabulary");
      }
      largest = Math.max(largest, x);
    }
    if (largest == Float.NEGATIVE_INFINITY) {
      throw new IllegalStateException("expected a logit above -Infinity, got none");
    }
    return largest;
  }

  /** Fills the scores and returns the first of the largest. */
  private int penalise(float[] logits) {
    int best = 0;
    for (int i = 0; i < vocabulary; i++) {
      float x = logits[i];
      if (seen[i]) {
        x = x > 0 ? x / penalty : x * penalty;
      }
      // Makes −0 a 0, which must tie.
      scores[i] = x + 0f;
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    if (Float.isInfinite(scores[best])) {
      throw new IllegalStateException(
          "expected a penalty that leaves finite logits, got " + scores[best] + " at " + best);
    }
    return best;
  }

  private int draw(float largest) {
    double total = 0;
    for (int i = 0; i < vocabulary; i++) {
      weights[i] = Exp.ofNonPositive(((double) scores[i] - largest) / options.temperature());
      total += weights[i];
    }
    if (keys.length == 0) {
      return tokenAt(random.nextDouble() * total, Long.MAX_VALUE);
    }
    for (int i = 0; i < vocabulary; i++) {
      keys[i] = Ranking.key(scores[i], i);
    }
    int kept = vocabulary;
    if (cutsByRank()) {
      kept = options.topK();
      Ranking.select(keys, kept);
      total = massOfKeys(kept);
    }
    long last =
        options.topP() < 1
            ? Ranking.reach(keys, kept, weights, options.topP() * total)
            : Ranking.largest(keys, kept);
    double mass = 0;
    for (int i = 0; i < vocabulary; i++) {
      if (Ranking.key(scores[i], i) <= last) {
        mass += weights[i];
      }
    }
    return tokenAt(random.nextDouble() * mass, last);
  }

  private double massOfKeys(int count) {
    double mass = 0;
    for (int i = 0; i < count; i++) {
      mass += weights[Ranking.index(keys[i])];
    }
    return mass;
  }

  /** Walks the kept tokens in their order until their weights exceed the target. */
  private int tokenAt(double target, long lastKey) {
    double sum = 0;
    int token = -1;
    for (int i = 0; i < vocabulary; i++) {
      if (weights[i] > 0 && (keys.length == 0 || Ranking.key(scores[i], i) <= lastKey)) {
        token = i;
        sum += weights[i];
        if (sum > target) {
          break;
        }
      }
    }
    return token;
  }

  private static double logSoftmax(float[] logits, float largest, int token) {
    double sum = 0;
    for (float x : logits) {
      sum += Exp.ofNonPositive((double) x - largest);
    }
    return (double) logits[token] - largest - StrictMath.log(sum);
  }
}
