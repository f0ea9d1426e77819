package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.bench.report.Row.Kind;

/** What a reader who has never heard of retention should take away, in sentences made from rows. */
final class Headline {
  private Headline() {}

  static List<String> sentences(Results results, List<Verdict> verdicts) {
    List<String> all = new ArrayList<>();
    if (!results.equal()) {
      all.add(
          "The three forms are NOT equal on these weights. A speed of a wrong result means nothing,"
              + " so none was measured.");
      return all;
    }
    if (results.depths().isEmpty() || results.lengths().isEmpty()) {
      return all;
    }
    decoding(results, all);
    memory(results, all);
    prefill(results, all);
    if (results.rows().stream().anyMatch(row -> Boolean.TRUE.equals(row.timing().noisy()))) {
      all.add(
          "Take these figures with care: other programs used the machine during some of the"
              + " measurements, which are marked as noisy.");
    }
    if (!Verdicts.comparisonValid(verdicts)) {
      all.add(
          "In this run the Transformer layer stayed below the speed that a good one must have, so"
              + " comparisons with it are invalid.");
    }
    return all;
  }

  private static void decoding(Results results, List<String> all) {
    List<Integer> depths = results.depths();
    int deepest = depths.get(depths.size() - 1);
    double far = ratio(results, deepest);
    double near = ratio(results, depths.get(0));
    all.add(
        String.format(
            Locale.ROOT,
            "Generating, far into a text: after %s tokens the next one takes %s with the retention"
                + " layer and %s with a Transformer layer of as many weights, so retention is %s."
                + " Why: a Transformer reads its whole memory of the text for every token;"
                + " retention reads and writes a state that does not grow.",
            Format.count(deepest),
            Format.time(median(results, "recurrent", deepest)),
            Format.time(median(results, "attention", deepest)),
            compared(far)));
    String crossing =
        results.rows(Kind.CROSSOVER).stream()
            .filter(row -> row.what().contains("measured"))
            .findFirst()
            .map(
                row ->
                    row.cost().value() == null || row.cost().value() == 0
                        ? row.note()
                        : "the two are equally fast at about "
                            + Format.number((double) Math.round(row.cost().value()))
                            + " tokens")
            .orElse("no crossing was looked for");
    all.add(
        String.format(
            Locale.ROOT,
            "Generating, at the start of a text: retention is %s (%s against %s). Measured, %s;"
                + " counting bytes alone predicts %s. Below that depth a state is more bytes to read"
                + " and write than a cache is to read, so there attention has the advantage.",
            compared(near),
            Format.time(median(results, "recurrent", depths.get(0))),
            Format.time(median(results, "attention", depths.get(0))),
            crossing,
            results.rows(Kind.CROSSOVER).stream()
                .filter(row -> row.what().contains("predicted"))
                .findFirst()
                .map(row -> Format.number(row.cost().value()) + " tokens")
                .orElse("–")));
  }

  private static void memory(Results results, List<String> all) {
    List<Integer> depths = results.depths();
    int deepest = depths.get(depths.size() - 1);
    Optional<Row> state = held(results, "recurrent", deepest);
    Optional<Row> cache = held(results, "attention", deepest);
    if (state.isPresent() && cache.isPresent()) {
      all.add(
          String.format(
              Locale.ROOT,
              "Memory of the text, per layer and sequence: %s at any length against %s after %s"
                  + " tokens.",
              Format.bytes(state.get().cost().bytes()),
              Format.bytes(cache.get().cost().bytes()),
              Format.count(deepest)));
    }
  }

  private static Optional<Row> held(Results results, String form, int depth) {
    return results.rows(Kind.MEMORY, "layer", form).stream()
        .filter(r -> r.workload().nDepth() != null && r.workload().nDepth() == depth)
        .findFirst();
  }

  private static void prefill(Results results, List<String> all) {
    List<Integer> lengths = results.lengths();
    List<String> parts = new ArrayList<>();
    for (int length : lengths) {
      Optional<Row> chunkwise = results.prefill("layer", "chunkwise", length);
      Optional<Row> attention = results.prefill("layer", "attention", length);
      if (chunkwise.isPresent() && attention.isPresent()) {
        double ratio =
            chunkwise.get().timing().tokensPerSecond() / attention.get().timing().tokensPerSecond();
        parts.add(
            String.format(
                Locale.ROOT,
                "%s against %s tokens/s at %s tokens (%s)",
                Format.number(chunkwise.get().timing().tokensPerSecond()),
                Format.number(attention.get().timing().tokensPerSecond()),
                Format.count(length),
                compared(ratio)));
      }
    }
    all.add(
        "Reading a prompt, the chunkwise form against the Transformer layer: "
            + String.join("; ", parts)
            + ". Why: attention's work per token grows with the prompt, retention's does not; both"
            + " are dominated by the same products with weights while the prompt is short.");
  }

  private static double median(Results results, String form, int depth) {
    return results.decode(form, depth).orElseThrow().timing().median();
  }

  private static double ratio(Results results, int depth) {
    return median(results, "attention", depth) / median(results, "recurrent", depth);
  }

  /** Says a ratio of speeds, retention's over the Transformer's. */
  static String compared(double ratio) {
    if (ratio >= 1.02) {
      return String.format(Locale.ROOT, "%.2f times as fast", ratio);
    }
    return ratio <= 0.98
        ? String.format(Locale.ROOT, "slower, at %.2f times the speed", ratio)
        : String.format(Locale.ROOT, "as fast (ratio %.2f)", ratio);
  }
}
