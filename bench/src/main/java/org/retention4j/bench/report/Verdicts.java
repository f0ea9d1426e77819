package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.bench.report.Row.Kind;

/** Holds the rows of a run to the figures that the project promises. */
public final class Verdicts {
  private static final int PREFILL_TOKENS = 2048;
  private static final int DECODE_DEPTH = 8192;
  private static final int FLAT_DEPTH = 32768;
  private static final double MEGABYTE = 1e6;

  /** A share above this says that the ceiling was disturbed, and nothing about the row. */
  private static final double PLAUSIBLE = 1.1;

  private Verdicts() {}

  /** Returns the verdicts, recomputed from the rows. */
  public static List<Verdict> of(Results results) {
    List<Verdict> verdicts = new ArrayList<>();
    verdicts.add(prefill(results, "block", "chunkwise", 0.75));
    verdicts.add(prefill(results, "block", "parallel", 0.45));
    for (int batch : new int[] {1, 8}) {
      verdicts.add(coreStep(results, "default flags", "PLAIN", batch, 0.60));
    }
    for (int batch : new int[] {1, 8}) {
      verdicts.add(coreStep(results, "best provider", "VECTOR", batch, 0.85));
    }
    verdicts.add(allocation(results));
    verdicts.add(flatness(results));
    verdicts.add(peak(results));
    verdicts.add(prefill(results, "layer", "attention", 0.6));
    verdicts.add(attentionDecode(results));
    return verdicts;
  }

  /** Returns whether the Transformer is good enough to compare with, or was not measured. */
  public static boolean comparisonValid(List<Verdict> verdicts) {
    return verdicts.stream()
        .filter(v -> v.what().startsWith("Transformer"))
        .noneMatch(v -> v.outcome().equals("missed"));
  }

  private static Verdict prefill(Results results, String scope, String form, double target) {
    String subject = form.equals("attention") ? "Transformer layer" : form + " form, block";
    String what = subject + ": prefill of 2048 tokens, useful FLOP/s over the product";
    return share(what, target, results.prefill(scope, form, PREFILL_TOKENS), true, PLAUSIBLE);
  }

  private static Verdict attentionDecode(Results results) {
    return share(
        "Transformer layer: decode at depth 8192, bytes/s over the read bandwidth",
        0.6,
        results.decode("attention", DECODE_DEPTH),
        false,
        PLAUSIBLE);
  }

  /**
   * Holds a row to its ceiling.
   *
   * @param flops whether FLOP/s count, else bytes/s
   * @param plausible the largest share that can be true
   */
  private static Verdict share(
      String what, double target, Optional<Row> row, boolean flops, double plausible) {
    if (row.isEmpty()) {
      return new Verdict(what, target, true, null, "–", "no such row in this run");
    }
    Cost cost = row.get().cost();
    String unit = flops ? " GFLOP/s" : " GB/s";
    Double rate = flops ? cost.gflops() : cost.gbps();
    return new Verdict(
        what,
        target,
        true,
        plausible,
        cost.share(),
        Format.number(cost.ceiling()) + unit + ", " + cost.ceilingName(),
        Format.number(rate) + unit + beside(cost) + noise(row.get()));
  }

  private static Verdict coreStep(
      Results results, String name, String provider, int batch, double target) {
    String what =
        "recurrent core step, 24 layers in turn, B=" + batch + ", " + name + ": 2 x state bytes/s";
    Optional<Row> row =
        results.rows(Kind.CORE_STEP, "core", "recurrent").stream()
            .filter(r -> r.workload().nBatch() == batch)
            .filter(r -> r.workload().provider().equals(provider))
            .findFirst();
    if (row.isEmpty()) {
      return new Verdict(
          what,
          target,
          true,
          null,
          "–",
          "run java with --add-modules jdk.incubator.vector to get this provider");
    }
    // A decoder that folds moves fewer bytes than the formula counts, so it may exceed its ceiling.
    return share(what, target, row, false, Double.POSITIVE_INFINITY);
  }

  private static Verdict allocation(Results results) {
    String what = "bytes allocated per token while decoding, heap of all threads and native";
    List<Row> rows = results.rows(Kind.ALLOCATION, "layer", "recurrent");
    if (rows.isEmpty()) {
      return new Verdict(what, 0, false, null, "–", "no such row in this run");
    }
    Row row = rows.get(0);
    return new Verdict(
        what, 0, false, row.cost().value(), "–", row.what() + ": " + Format.text(row.note()));
  }

  private static Verdict flatness(Results results) {
    String what = "decode latency of the layer, depth 32768 over depth 0";
    List<Row> rows = results.rows(Kind.FLATNESS, "layer", "recurrent");
    if (rows.isEmpty()) {
      return new Verdict(what, 1.05, false, null, "–", "no such row in this run");
    }
    Row row = rows.get(0);
    Cost cost = row.cost();
    String detail =
        String.format(
            Locale.ROOT,
            "median %s, 95 %% interval %s to %s; the upper end counts",
            Format.number(cost.value()),
            Format.number(cost.low()),
            Format.number(cost.high()));
    if (row.workload().nDepth() != FLAT_DEPTH) {
      detail += "; at depth " + row.workload().nDepth() + " only, because of --quick";
    }
    return new Verdict(what, 1.05, false, cost.high(), "depth 0", detail + noise(row));
  }

  private static Verdict peak(Results results) {
    String what = "peak of held MB, chunkwise prefill of 8192 over 2048 tokens, beyond x and y";
    List<Row> rows = results.rows(Kind.PEAK, "block", "chunkwise");
    Double small = null;
    Double large = null;
    for (Row row : rows) {
      if (row.workload().nPrompt() == 2048) {
        small = row.cost().bytesAllocated();
      }
      if (row.workload().nPrompt() == 8192) {
        large = row.cost().bytesAllocated();
      }
    }
    if (small == null || large == null) {
      return new Verdict(what, 1, false, null, "–", "no such rows in this run");
    }
    return new Verdict(
        what,
        1,
        false,
        (large - small) / MEGABYTE,
        "–",
        Format.bytes(small) + " at 2048, " + Format.bytes(large) + " at 8192");
  }

  private static String beside(Cost cost) {
    return cost.shareBeside() == null
        ? ""
        : "; " + Format.ratio(cost.shareBeside()) + " of the bare work run by turns with it";
  }

  private static String noise(Row row) {
    String noise =
        Boolean.TRUE.equals(row.timing().noisy()) ? "; NOISY: other work on the machine" : "";
    return Boolean.FALSE.equals(row.timing().settled()) ? noise + "; times not settled" : noise;
  }
}
