package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowTablesTest {
  private static final String MACHINE =
      "\"commit\":\"abc\",\"jdk\":\"17\",\"onednn\":\"3.11\",\"isa\":\"avx512\",\"threads\":2,"
          + "\"arch\":\"amd64\",\"cpu\":\"EPYC\",\"os\":\"Linux\",\"heap_max\":1";

  @TempDir private Path folder;

  /** A row as an earlier version may have written it: some fields are missing, one is unknown. */
  private static String row(String form, int depth, double median, double bytes) {
    return String.format(
        java.util.Locale.ROOT,
        "{\"kind\":\"decode\",\"scope\":\"layer\",\"what\":\"w\",\"form\":\"%s\",\"n_depth\":%d,"
            + "\"median\":%.1f,\"bytes\":%.1f,\"note\":null,\"novelty\":1,%s}",
        form,
        depth,
        median,
        bytes,
        MACHINE);
  }

  private Path file(String... lines) throws IOException {
    return Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", lines) + "\n");
  }

  @Test
  void printsTheTablesOfALayersRun() throws IOException {
    Path file = file(row("recurrent", 8192, 4.39e6, 2e6), row("attention", 8192, 7.82e6, 5e6));
    assertThat(RowTables.markdown(file))
        .startsWith("Measured on EPYC, 2 threads, avx512, JDK 17, oneDNN 3.11, commit abc.\n")
        .contains("### Decoding one token at a depth")
        // 7.82 / 4.39 = 1.78 by time, 5 / 2 by bytes.
        .contains("| 8,192 | 4.39 ms | 7.82 ms | 1.78 | 2.50 | – | – |");
  }

  @Test
  void printsTheFiguresOfAWholeModel() throws IOException {
    Path file =
        file(
            "{\"figure\":{\"verdict\":{\"what\":\"decode\",\"target\":0.75,\"at_least\":true,"
                + "\"plausible\":\"Infinity\",\"measured\":0.87,\"ceiling\":\"c\",\"detail\":\"60"
                + " GB/s\"},\"formula\":\"f\",\"dtypes\":\"\",\"timing\":{}},\"machine\":{"
                + MACHINE
                + "}}");
    assertThat(RowTables.markdown(file))
        .contains("| reached | 0.870 | ≥ 0.750 | decode | 60 GB/s |")
        .doesNotContain("Decoding one token");
  }

  @Test
  void printsWhatWasWritten() throws IOException {
    Results results = new Results(ReportsTest.MACHINE, row -> {});
    results.add(
        Row.Kind.DECODE, "layer", "w", Workload.NONE, Timing.NONE, Cost.builder(), "a note");
    Row written = results.rows().get(0);
    assertThat(RowLines.row(RowLines.tree(RowLines.line(written)), ReportsTest.MACHINE))
        .isEqualTo(written);
  }

  @Test
  void refusesOtherThingsByTheirLine() throws IOException {
    String good = row("recurrent", 0, 1, 1);
    assertRefused("line 2", good, "{\"a\":1}");
    assertRefused("line 2", good, "{\"kind\":");
    assertRefused("line 1", good.replace("\"decode\"", "\"dance\""));
    assertRefused("line 2", good, good.replace("\"abc\"", "\"def\""));
    assertRefused("got none");
    assertThatThrownBy(() -> RowTables.markdown(folder.resolve("none")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none, but there is no such file")
        .hasMessageNotContaining("Exception");
    Path file = Files.write(folder.resolve("bytes"), new byte[] {(byte) 0xff, 'a'});
    assertThatThrownBy(() -> RowTables.markdown(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no UTF-8");
  }

  private void assertRefused(String message, String... lines) throws IOException {
    Path file = file(lines);
    assertThatThrownBy(() -> RowTables.markdown(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("rows.jsonl");
  }
}
