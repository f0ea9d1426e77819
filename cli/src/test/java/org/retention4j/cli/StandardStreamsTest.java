package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Standard streams that are closed: no command reads, writes or closes the file of the virtual
 * machine's that has the number, which ended in a fault of it.
 */
class StandardStreamsTest {
  private static final String[] QUICK = Processes.QUICK.toArray(new String[0]);

  @TempDir private Path folder;

  private Path launcher;
  private Path jar;

  @BeforeEach
  void install() throws IOException {
    jar = Processes.jar(folder.resolve("retention.jar"));
    launcher = Files.copy(Path.of("src/main/scripts/retention"), folder.resolve("retention"));
    assertThat(launcher.toFile().setExecutable(true)).isTrue();
  }

  /** Runs words with redirections, by the launcher, by one java -jar, and by one with a second. */
  private List<Processes.Outcome> run(String redirections, String... words) throws Exception {
    List<String> java = with(List.of(Processes.JAVA.toString()), QUICK);
    List<List<String>> starts =
        List.of(
            List.of(launcher.toString()),
            with(java, "-Dretention.relaunch=false", "-jar", jar.toString()),
            with(java, "-jar", jar.toString()));
    Map<String, String> environment =
        Map.of(
            "JAVA_HOME",
            System.getProperty("java.home"),
            "JAVA_OPTS",
            String.join(" ", QUICK),
            "LC_ALL",
            "C.UTF-8");
    List<Processes.Outcome> outcomes = new ArrayList<>();
    for (List<String> start : starts) {
      List<String> command = new ArrayList<>(List.of("sh", "-c", "\"$@\" " + redirections, "sh"));
      command.addAll(start);
      command.addAll(List.of(words));
      outcomes.add(Processes.run(environment, command));
    }
    return outcomes;
  }

  private static List<String> with(List<String> words, String... more) {
    return Stream.concat(words.stream(), Stream.of(more)).toList();
  }

  private static String[] words(String line) {
    return line.replace("M", Path.of(golden("fla-f32")).toAbsolutePath().toString()).split(" ");
  }

  /** What Java says of its modules is no matter here. */
  private static String said(Processes.Outcome outcome) {
    return outcome.errors().replaceAll("(?m)^WARNING.*\\R", "").strip();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "generate --model M --prompt - --max-tokens 2 | a text",
        "perplexity --model M /dev/stdin | a text",
        "verify --model M --text - | a text",
        "logits --model M --ids - --out x.npy | a .npy file"
      })
  void aClosedInputIsTold(String line, String expected) throws Exception {
    for (Processes.Outcome outcome : run("<&-", words(line))) {
      assertThat(said(outcome))
          .isEqualTo("retention: expected " + expected + " on standard input, got a closed one");
      assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    }
  }

  @Test
  void aClosedInputIsNoMatterWhereNobodyReads() throws Exception {
    String line = "generate --model M --prompt ! --max-tokens 2";
    String expected = Commands.ok(words(line)).out();
    for (Processes.Outcome outcome : run("<&-", words(line))) {
      assertThat(outcome.out()).as(outcome.errors()).isEqualTo(expected);
      assertThat(outcome.code()).isZero();
    }
  }

  @Test
  void aClosedOutputIsTold() throws Exception {
    for (Processes.Outcome outcome :
        run(">&-", words("generate --model M --prompt ! --max-tokens 2"))) {
      assertThat(said(outcome)).isEqualTo("retention: " + Main.OUTPUT_LOST);
      assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    }
  }

  /** As with a log, whose file would have the number of standard output. */
  @Test
  void nothingGoesToAFileOfTheVirtualMachine() throws Exception {
    Path log = folder.resolve("log");
    List<String> command = new ArrayList<>(List.of("sh", "-c", "\"$@\" <&- >&- 2>&-", "sh"));
    command.add(Processes.JAVA.toString());
    command.addAll(List.of("-Xlog:gc*:file=" + log, "-Dretention.relaunch=false", "-jar"));
    command.add(jar.toString());
    command.addAll(List.of(words("info M")));
    Processes.run(Map.of(), command);
    assertThat(log).content().contains("[gc").doesNotContain("retention");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2>&-", "<&- 2>&-"})
  void aClosedErrorIsNoMatter(String redirections) throws Exception {
    String line = "generate --model M --prompt ! --max-tokens 2";
    String expected = Commands.ok(words(line)).out();
    for (Processes.Outcome outcome : run(redirections, words(line))) {
      assertThat(outcome.out()).isEqualTo(expected);
      assertThat(outcome.errors()).isEmpty();
      assertThat(outcome.code()).isZero();
    }
    for (Processes.Outcome outcome : run(redirections, "info", "nowhere")) {
      assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    }
  }

  /** As nohup leaves it: open, and not for reading. */
  @Test
  void anInputThatIsNotForReadingIsClosed() throws Exception {
    for (Processes.Outcome outcome : run("0>/dev/null", words("perplexity --model M -"))) {
      assertThat(said(outcome)).contains("a text on standard input, got a closed one");
      assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    }
  }
}
