package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.MachineLoad;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.suite.SampleText;

/** A report is the same in every language of the machine: its numbers are read by programs. */
class LocaleTest {
  private static final LayerShape SHAPE = LayerShape.PAPER;

  private final Locale before = Locale.getDefault();

  @AfterEach
  void restore() {
    Locale.setDefault(before);
  }

  private static Timing nanos(long nanos) {
    Samples samples = new Samples(new long[] {nanos, nanos + 7}, 1, 0, new MachineLoad(0, 0, 0));
    return Timing.of(samples, 2048);
  }

  /** Returns a report with a verdict, a crossover and numbers of all sizes, and its rows. */
  private static String written() {
    Results results = new Results(ReportsTest.MACHINE, row -> {});
    for (String form : List.of("chunkwise", "parallel", "recurrent")) {
      results.add(
          Kind.PREFILL,
          "layer",
          "prefill",
          Workload.layer(SHAPE, form, 64, "PLAIN").prompt(2048),
          nanos(1_234_567_890),
          Cost.builder().flops(160.5e9, "").ceiling(211.7, "product"),
          null);
    }
    for (int depth : new int[] {0, 512, 8192}) {
      results.add(
          Kind.DECODE,
          "layer",
          "decode",
          Workload.layer(SHAPE, "recurrent", null, "PLAIN").generate(1, depth),
          nanos(4_240_000),
          Cost.builder().bytes(30.5e6, "").ceiling(40.25, "read"),
          null);
      results.add(
          Kind.DECODE,
          "layer",
          "decode",
          Workload.attention(SHAPE, "PLAIN").generate(1, depth),
          nanos(4_000_000 + 1000L * depth),
          Cost.builder().bytes(1e6 * depth, "").ceiling(40.25, "read"),
          null);
    }
    results.add(
        Kind.FLATNESS,
        "layer",
        "flatness",
        Workload.layer(SHAPE, "recurrent", null, "PLAIN").generate(1, 8192),
        nanos(1),
        Cost.builder().value(1.01, "ratio").interval(0.99, 1.06),
        null);
    Report report = Report.of(results);
    String rows =
        results.rows().stream()
            .map(row -> RowLines.line(row).replaceAll("\"rss_peak\":[0-9]+", "\"rss_peak\":0"))
            .collect(Collectors.joining("\n"));
    return report.markdown() + rows + SampleText.read(null).coverage(5000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ar-EG", "de-DE", "fr-FR", "tr-TR", "hi-IN-u-nu-deva"})
  void isTheSameEverywhere(String language) {
    Locale.setDefault(Locale.ROOT);
    String expected = written();
    Locale.setDefault(Locale.forLanguageTag(language));
    assertThat(written()).isEqualTo(expected);
  }
}
