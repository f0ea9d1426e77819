package org.retention4j.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** The sampling rules once more, in doubles and by sorting everything. */
final class SamplerReference {
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final Set<Integer> seen = new TreeSet<>();
  private double largest;

  SamplerReference(SamplingOptions options) {
    this.options = options;
    random = new SplittableRandom(options.seed());
  }

  void accept(int token) {
    seen.add(token);
  }

  int sample(float[] logits) {
    List<Integer> kept = kept(logits);
    if (options.temperature() == 0) {
      seen.add(kept.get(0));
      return kept.get(0);
    }
    double target = random.nextDouble() * mass(logits, kept);
    double sum = 0;
    for (int token : new TreeSet<>(kept)) {
      sum += weight(logits, token);
      if (sum > target) {
        seen.add(token);
        return token;
      }
    }
    throw new AssertionError("nothing drawn");
  }

  /** The tokens that may be drawn, the most probable first. */
  List<Integer> kept(float[] logits) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      order.add(i);
    }
    order.sort(
        Comparator.<Integer>comparingDouble(i -> -score(logits, i)).thenComparing(i -> (int) i));
    largest = score(logits, order.get(0));
    if (options.topK() > 0 && options.topK() < order.size()) {
      order = order.subList(0, options.topK());
    }
    if (options.topP() < 1) {
      double reach = options.topP() * mass(logits, order);
      double sum = 0;
      int count = 0;
      while (count < order.size() && sum < reach) {
        sum += weight(logits, order.get(count));
        count++;
      }
      order = order.subList(0, count);
    }
    return order;
  }

  private double mass(float[] logits, List<Integer> tokens) {
    return tokens.stream().mapToDouble(i -> weight(logits, i)).sum();
  }

  private double weight(float[] logits, int token) {
    return Math.exp((score(logits, token) - largest) / options.temperature());
  }

  private double score(float[] logits, int token) {
    double x = logits[token] + 0.0;
    if (!seen.contains(token)) {
      return x;
    }
    return x > 0 ? x / options.repetitionPenalty() : x * options.repetitionPenalty();
  }
}
