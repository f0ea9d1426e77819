package org.retention4j.train.story;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Words that fill a hole of a sentence, each with a whole number as its weight.
 *
 * @param hole its name
 * @param words ASCII letters only, none twice
 * @param weights of the words, at least 1
 * @param unlike another list of the same words, whose word this one must differ from, or null
 */
record WordList(String hole, List<String> words, List<Integer> weights, WordList unlike) {
  /** Makes a list from words and weights in turn: {@code "ball 3 drum 2"}. */
  static WordList of(String hole, String text) {
    String[] items = text.split(" ");
    List<String> words = new java.util.ArrayList<>();
    List<Integer> weights = new java.util.ArrayList<>();
    for (int i = 0; i < items.length; i += 2) {
      words.add(items[i]);
      weights.add(Integer.valueOf(items[i + 1]));
    }
    return new WordList(hole, List.copyOf(words), List.copyOf(weights), null);
  }

  /** Returns a list of the same words, whose word differs from the one drawn from this. */
  WordList another(String name) {
    return new WordList(name, words, weights, this);
  }

  /**
   * Draws a word.
   *
   * @param without index of the word that is not to come, or -1
   * @return its index
   */
  int draw(SplittableRandom random, int without) {
    int left = random.nextInt(total() - (without < 0 ? 0 : weights.get(without)));
    for (int i = 0; i < words.size(); i++) {
      if (i != without) {
        left -= weights.get(i);
        if (left < 0) {
          return i;
        }
      }
    }
    throw new AssertionError("weights that do not add up");
  }

  /** Returns the bits of a draw, given the word that it must differ from. */
  double entropy() {
    double bits = 0;
    for (int other = 0; other < outcomesOfOther(); other++) {
      for (int i = 0; i < words.size(); i++) {
        double p = probability(i, other);
        bits -= p == 0 ? 0 : ofOther(other) * p * Math.log(p) / Math.log(2);
      }
    }
    return bits;
  }

  /** Returns the expected length of a word, in bytes. */
  double length() {
    double bytes = 0;
    for (int other = 0; other < outcomesOfOther(); other++) {
      for (int i = 0; i < words.size(); i++) {
        bytes += ofOther(other) * probability(i, other) * words.get(i).length();
      }
    }
    return bytes;
  }

  private int outcomesOfOther() {
    return unlike == null ? 1 : words.size();
  }

  private double ofOther(int other) {
    return unlike == null ? 1 : unlike.probability(other, -1);
  }

  private double probability(int word, int other) {
    if (unlike == null) {
      return (double) weights.get(word) / total();
    }
    return word == other ? 0 : (double) weights.get(word) / (total() - weights.get(other));
  }

  private int total() {
    return weights.stream().mapToInt(Integer::intValue).sum();
  }
}
