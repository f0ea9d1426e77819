package org.retention4j.train.evaluate;

import java.util.HashMap;
import java.util.Map;

/** Witten-Bell by maps of maps, from the formula. */
final class PlainNGrams {
  private final Map<String, Map<Character, Integer>> followers = new HashMap<>();

  PlainNGrams(byte[] training) {
    String text = text(training);
    for (int order = 0; order <= 7; order++) {
      for (int i = order; i < text.length(); i++) {
        followers
            .computeIfAbsent(text.substring(i - order, i), key -> new HashMap<>())
            .merge(text.charAt(i), 1, Integer::sum);
      }
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
  }

  double bpb(byte[] heldOut, int order) {
    String text = text(heldOut);
    double bits = 0;
    for (int i = 0; i < text.length(); i++) {
      String context = text.substring(Math.max(0, i - order), i);
      bits -= Math.log(probability(context, text.charAt(i))) / Math.log(2);
    }
    return bits / text.length();
  }

  private double probability(String context, char next) {
    double lower = context.isEmpty() ? 1.0 / 256 : probability(context.substring(1), next);
    Map<Character, Integer> seen = followers.get(context);
    if (seen == null) {
      return lower;
    }
    double count = seen.values().stream().mapToInt(Integer::intValue).sum();
    return (seen.getOrDefault(next, 0) + seen.size() * lower) / (count + seen.size());
  }
}
