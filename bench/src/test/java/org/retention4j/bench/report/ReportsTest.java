package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.report.Row.Kind;

class ReportsTest {
  static final Machine MACHINE =
      new Machine("abc", "17", "3.11", "isa", 2, "arch", "cpu", "os", 1 << 30);

  private static Results unequal() {
    Results results = new Results(MACHINE, row -> {});
    results.add(
        Kind.EQUIVALENCE,
        "core",
        "o <float64>",
        Workload.block(LayerShape.PAPER, "parallel", 128, "PLAIN"),
        Timing.NONE,
        Cost.builder().error(1e-3, 2e-6),
        null);
    return results;
  }

  @Test
  void writesEveryFieldInEveryRow() throws IOException {
    String line = RowLines.line(unequal().rows().get(0));
    JsonNode node = new ObjectMapper().readTree(line);
    assertThat(line).doesNotContain("\n");
    assertThat(node.fieldNames())
        .toIterable()
        .contains(
            "kind",
            "commit",
            "jdk",
            "onednn",
            "isa",
            "threads",
            "arch",
            "form",
            "chunk",
            "n_layer",
            "d_model",
            "n_head",
            "d_k",
            "d_v",
            "ffn",
            "vocab",
            "n_params",
            "dtypes",
            "n_prompt",
            "n_gen",
            "n_depth",
            "n_batch",
            "samples_ns",
            "median",
            "iqr",
            "p95",
            "bytes",
            "bytes_allocated",
            "rss_peak",
            "gflops",
            "gbps",
            "share",
            "error");
    assertThat(node.get("kind").asText()).isEqualTo("equivalence");
    assertThat(node.get("samples_ns").isNull()).isTrue();
  }

  @Test
  void saysWhenFormsAreNotEqualAndShowsNoSpeed(@TempDir Path folder) throws IOException {
    Results results = unequal();
    assertThat(results.equal()).isFalse();
    Path page = ReportFiles.in(folder).write(Report.of(results));
    String html = Files.readString(page);
    assertThat(html).contains("NOT EQUAL").contains("o &lt;float64&gt;").doesNotContain("tokens/s");
    assertThat(Files.readString(folder.resolve("report.md"))).contains("NOT equal");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("rows.jsonl", "report.md", "report.html");
    }
  }

  @Test
  void treatsNotANumberAsNotEqual() {
    Results results = new Results(MACHINE, row -> {});
    results.add(
        Kind.EQUIVALENCE,
        "core",
        "o",
        Workload.NONE,
        Timing.NONE,
        Cost.builder().error(Double.NaN, 1),
        null);
    assertThat(results.equal()).isFalse();
  }

  @Test
  void refusesAFolderThatIsAFile(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> ReportFiles.in(file.resolve("a/b")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a folder");
    assertThat(Files.readString(file)).isEqualTo("x");
  }

  @Test
  void leavesNoFolderBehindWhenAbandoned(@TempDir Path folder) {
    ReportFiles files = ReportFiles.in(folder.resolve("a/b"));
    assertThat(folder.resolve("a/b")).isDirectory();
    files.abandon();
    assertThat(folder.resolve("a")).doesNotExist();
    assertThat(folder).isDirectory();
  }

  @Test
  void rendersTables() {
    Table table =
        new Table("T", "note", List.of("a", "b"), List.of(List.of("x|y", "<1>"), List.of("", "2")));
    assertThat(table.markdown()).contains("| x\\|y | <1> |").contains("| --- | --- |");
    assertThat(table.html()).contains("<td>&lt;1&gt;</td>");
    assertThatThrownBy(() -> new Table("T", null, List.of("a"), List.of(List.of("1", "2"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected 1 cells");
  }

  @Test
  void formatsForPeople() {
    assertThat(Format.number(0.905)).isEqualTo("0.905");
    assertThat(Format.number(2e-6)).isEqualTo("2.0e-06");
    assertThat(Format.number(12345.6)).isEqualTo("12,346");
    assertThat(Format.number(null)).isEqualTo("–");
    assertThat(Format.time(1.5e6)).isEqualTo("1.50 ms");
    assertThat(Format.bytes(4.2e6)).isEqualTo("4.2 MB");
  }

  @Test
  void comparesInWords() {
    assertThat(Headline.compared(1.5)).isEqualTo("1.50 times as fast");
    assertThat(Headline.compared(0.5)).contains("slower");
    assertThat(Headline.compared(1.0)).startsWith("as fast");
  }
}
