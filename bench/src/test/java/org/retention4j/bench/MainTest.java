package org.retention4j.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MainTest {
  @TempDir private Path folder;

  private final ByteArrayOutputStream rows = new ByteArrayOutputStream();
  private final StringWriter errors = new StringWriter();

  private int run(String... args) {
    PrintStream out = new PrintStream(rows, true, StandardCharsets.UTF_8);
    return Main.execute(args, out, new PrintWriter(errors, true));
  }

  private void refused(String message, String... args) {
    assertThat(run(args)).isEqualTo(Main.BAD_INPUT);
    assertThat(errors.toString().strip()).contains(message).doesNotContain("\n");
    assertThat(rows.size()).isZero();
  }

  @Test
  void refusesATextThatIsMissing() {
    Path out = folder.resolve("out");
    refused("missing.txt", "--text", folder.resolve("missing.txt").toString(), "--out", "" + out);
    assertThat(out).doesNotExist();
  }

  @Test
  void refusesATextThatIsEmpty() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    refused("at least 1 byte", "--text", empty.toString(), "--out", "" + folder.resolve("out"));
  }

  @Test
  void refusesNoThreads() {
    refused("expected --threads >= 1, got 0", "--threads", "0");
  }

  @Test
  void refusesAnOutputFolderThatIsAFile() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    refused("expected a folder that reports can be written to", "--out", file.toString());
  }

  @Test
  void refusesOptionsOfTheOtherBenchmark() {
    refused("--model without --seed", "--model", folder.toString(), "--seed", "1");
    errors.getBuffer().setLength(0);
    refused("config.json", "--model", folder.toString(), "--out", "" + folder.resolve("out"));
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void refusesOptionsOfTrainingWithoutIt() {
    refused("--lengths, which belongs to --training", "--lengths", "512");
    errors.getBuffer().setLength(0);
    refused("--model without --training", "--training", "--model", folder.toString());
    errors.getBuffer().setLength(0);
    refused("--training without --ignore-unknown", "--training", "--ignore-unknown");
  }

  @Test
  void refusesTrainingOfNothing() {
    String out = folder.resolve("out").toString();
    refused("--lengths of tokens >= 1", "--training", "--lengths", "512,0", "--out", out);
    errors.getBuffer().setLength(0);
    refused("--minutes > 0, got -1", "--training", "--minutes", "-1", "--out", out);
    errors.getBuffer().setLength(0);
    refused("--minutes > 0, got NaN", "--training", "--minutes", "NaN", "--out", out);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void refusesToMeasureAndToPrintTables() throws IOException {
    Path rowsFile = Files.createFile(folder.resolve("rows.jsonl"));
    refused("--table without --quick", "--quick", "--table", rowsFile.toString());
    errors.getBuffer().setLength(0);
    refused("got none", "--table", rowsFile.toString());
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    refused("--nonsense", "--nonsense");
  }

  @Test
  void refusesANumberThatIsNone() {
    refused("--threads", "--threads", "many");
  }

  @Test
  void helps() {
    assertThat(run("--help")).isZero();
    assertThat(rows.toString(StandardCharsets.UTF_8))
        .contains("--text")
        .contains("--quick")
        .contains("--jmh");
  }
}
