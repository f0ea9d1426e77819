package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.retention4j.bench.report.Row.Kind;

/** The rows of a run, in the order in which they were measured. */
public final class Results {
  private final Machine machine;
  private final Consumer<Row> listener;
  private final List<Row> rows = new ArrayList<>();

  /** Starts with no rows; the listener hears of each row as it comes. */
  public Results(Machine machine, Consumer<Row> listener) {
    this.machine = machine;
    this.listener = listener;
  }

  /** Returns the rows of an earlier run. */
  static Results of(Machine machine, List<Row> rows) {
    Results results = new Results(machine, row -> {});
    results.rows.addAll(rows);
    return results;
  }

  /** Returns where the rows were measured. */
  public Machine machine() {
    return machine;
  }

  /** Adds a row. */
  public void add(
      Kind kind,
      String scope,
      String what,
      Workload workload,
      Timing timing,
      Cost.Builder cost,
      String note) {
    if (timing.median() != null) {
      cost.nanos(timing.median());
    }
    Cost built = cost.rssPeak(Machine.rssPeak()).build();
    Row row = new Row(kind, scope, what, workload, timing, built, note, machine);
    rows.add(row);
    listener.accept(row);
  }

  /** Returns all rows. */
  public List<Row> rows() {
    return List.copyOf(rows);
  }

  /** Returns the rows of a kind. */
  public List<Row> rows(Kind kind) {
    return rows.stream().filter(row -> row.kind() == kind).toList();
  }

  /** Returns the rows of a kind, scope and form; null matches all. */
  public List<Row> rows(Kind kind, String scope, String form) {
    return rows.stream().filter(row -> row.is(kind, scope, form)).toList();
  }

  /** Returns the prefill row of this length, if it was measured. */
  public Optional<Row> prefill(String scope, String form, int tokens) {
    return rows(Kind.PREFILL, scope, form).stream()
        .filter(row -> row.workload().nPrompt() == tokens)
        .findFirst();
  }

  /** Returns the decode row of this depth, if it was measured. */
  public Optional<Row> decode(String form, int depth) {
    return rows(Kind.DECODE, "layer", form).stream()
        .filter(row -> row.workload().nDepth() == depth)
        .findFirst();
  }

  /** Returns the lengths of the prefills, each once, in order. */
  public List<Integer> lengths() {
    return rows(Kind.PREFILL).stream()
        .map(row -> row.workload().nPrompt())
        .distinct()
        .sorted()
        .toList();
  }

  /** Returns the depths of the decodes, each once, in order. */
  public List<Integer> depths() {
    return rows(Kind.DECODE).stream()
        .map(row -> row.workload().nDepth())
        .distinct()
        .sorted()
        .toList();
  }

  /** Returns the largest error of a form's core against the float64 reference, over whole heads. */
  public double coreError(String form) {
    return rows(Kind.EQUIVALENCE, "core", form).stream()
        .filter(row -> !row.what().endsWith("worst token"))
        .mapToDouble(row -> row.cost().error())
        .max()
        .orElse(Double.NaN);
  }

  /** Returns whether every comparison of forms kept its bound. */
  public boolean equal() {
    return rows(Kind.EQUIVALENCE).stream()
        .allMatch(row -> row.cost().error() <= row.cost().bound());
  }
}
