package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.MachineLoad;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Row.Kind;

class VerdictsTest {
  private static final LayerShape SHAPE = LayerShape.PAPER;

  private Results results;

  @BeforeEach
  void begin() {
    results = new Results(ReportsTest.MACHINE, row -> {});
  }

  private static Timing nanos(long nanos) {
    return Timing.of(new Samples(new long[] {nanos}, 1, 0, new MachineLoad(0, 0, 0)), 1);
  }

  private Verdict verdict(String part) {
    return Verdicts.of(results).stream()
        .filter(v -> v.what().contains(part))
        .findFirst()
        .orElseThrow();
  }

  private void prefill(String scope, String form, double flops, double ceiling) {
    Workload workload =
        form.equals("attention")
            ? Workload.attention(SHAPE, "PLAIN")
            : Workload.block(SHAPE, form, 64, "PLAIN");
    results.add(
        Kind.PREFILL,
        scope,
        "prefill",
        workload.prompt(2048),
        nanos(1_000_000_000),
        Cost.builder().flops(flops, "").ceiling(ceiling, "product"),
        null);
  }

  @Test
  void dividesTheRateByTheCeiling() {
    prefill("block", "chunkwise", 160e9, 200);
    Verdict verdict = verdict("chunkwise form");
    assertThat(verdict.measured()).isEqualTo(0.8);
    assertThat(verdict.outcome()).isEqualTo("reached");
    assertThat(verdict.detail()).contains("160 GFLOP/s");
    assertThat(verdict.ceiling()).contains("200").contains("product");
  }

  @Test
  void isHonestAboutWhatWasMissed() {
    prefill("block", "chunkwise", 149e9, 200);
    assertThat(verdict("chunkwise form").outcome()).isEqualTo("missed");
    assertThat(verdict("parallel form").outcome()).isEqualTo("not measured");
  }

  @Test
  void doesNotBelieveAShareAboveOne() {
    prefill("block", "chunkwise", 300e9, 200);
    assertThat(verdict("chunkwise form").outcome()).isEqualTo("disturbed");
  }

  @Test
  void marksTheComparisonWhenTheTransformerIsSlow() {
    assertThat(Verdicts.comparisonValid(Verdicts.of(results))).isTrue();
    prefill("layer", "attention", 119e9, 200);
    assertThat(Verdicts.comparisonValid(Verdicts.of(results))).isFalse();
  }

  @Test
  void holdsProvidersApart() {
    results.add(
        Kind.CORE_STEP,
        "core",
        "core step",
        Workload.block(SHAPE, "recurrent", null, "PLAIN").core(24, 8).generate(16, null),
        nanos(1_000_000),
        Cost.builder().bytes(30e6, "").ceiling(40, "scale"),
        null);
    assertThat(verdict("B=8, default flags").measured()).isEqualTo(0.75);
    assertThat(verdict("B=1, default flags").outcome()).isEqualTo("not measured");
    assertThat(verdict("B=8, best provider").outcome()).isEqualTo("not measured");
    assertThat(verdict("B=8, best provider").detail())
        .contains("--add-modules jdk.incubator.vector");
  }

  @Test
  void countsTheUpperEndOfTheInterval() {
    results.add(
        Kind.FLATNESS,
        "layer",
        "flatness",
        Workload.layer(SHAPE, "recurrent", null, "PLAIN").generate(1, 8192),
        nanos(1),
        Cost.builder().value(1.01, "ratio").interval(0.99, 1.06),
        null);
    Verdict verdict = verdict("depth 32768 over depth 0");
    assertThat(verdict.measured()).isEqualTo(1.06);
    assertThat(verdict.outcome()).isEqualTo("missed");
    assertThat(verdict.detail()).contains("at depth 8192 only");
  }

  @Test
  void allowsNoByteAndOneMegabyte() {
    Workload layer = Workload.layer(SHAPE, "recurrent", null, "PLAIN");
    results.add(
        Kind.ALLOCATION,
        "layer",
        "allocation",
        layer,
        Timing.NONE,
        Cost.builder().value(0, "bytes per token"),
        null);
    Workload block = Workload.block(SHAPE, "chunkwise", 64, "PLAIN");
    for (int tokens : new int[] {2048, 8192}) {
      results.add(
          Kind.PEAK,
          "block",
          "peak",
          block.prompt(tokens),
          Timing.NONE,
          Cost.builder().allocated(5e6 + (tokens == 8192 ? 1.1e6 : 0)),
          null);
    }
    assertThat(verdict("bytes allocated per token").outcome()).isEqualTo("reached");
    assertThat(verdict("peak of held MB").outcome()).isEqualTo("missed");
  }

  @Test
  void knowsElevenFigures() {
    List<Verdict> verdicts = Verdicts.of(results);
    assertThat(verdicts).hasSize(11);
    assertThat(verdicts).extracting(Verdict::outcome).containsOnly("not measured");
  }
}
