package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is printed is the same in every language of the machine: scripts read it. */
class LocaleTest {
  private final Locale before = Locale.getDefault();

  /** One for all languages, since what is said may name it. */
  @TempDir private static Path folder;

  /** What is said where no language is set, line by line. */
  private static final Map<String, Commands.Result> EXPECTED = new HashMap<>();

  @AfterEach
  void restore() {
    Locale.setDefault(before);
  }

  /** Other digits; a comma before decimals; an i without a dot; a narrow blank in numbers. */
  @ParameterizedTest
  @ValueSource(strings = {"ar-EG", "de-DE", "tr-TR", "fr-FR", "hi-IN-u-nu-deva"})
  void isTheSameEverywhere(String language) throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "!!!!!!!!");
    List<String> lines =
        List.of(
            "info " + golden("fla-hybrid"),
            "perplexity --weights INT8 --compute FLOAT32 --tokens --model "
                + (golden("fla-bf16") + " " + text),
            "verify --tokens 5 --model " + golden("fla-bf16"),
            "generate --prompt ! --max-tokens 3 --logprobs --cache BF16 --model "
                + golden("fla-hybrid"),
            "create --shape 125M --out " + folder.resolve("x"));
    for (String line : lines) {
      Locale.setDefault(Locale.ROOT);
      Commands.Result expected = EXPECTED.computeIfAbsent(line, Commands::run);
      Locale.setDefault(Locale.forLanguageTag(language));
      Commands.Result actual = run(line);
      assertThat(actual.code()).as(line).isEqualTo(expected.code());
      assertThat(actual.out()).as(line).isEqualTo(expected.out());
      assertThat(speed(actual.errors())).as(line).isEqualTo(speed(expected.errors()));
    }
  }

  private static String speed(String errors) {
    return errors.replaceAll("[0-9]+\\.[0-9] tokens/s", "X tokens/s");
  }

  /** As a process, where the language comes from the machine: all that libraries say too. */
  @ParameterizedTest
  @CsvSource({"ar, EG", "tr, TR"})
  void isTheSameInAProcess(String language, String country) throws Exception {
    Path jar = Processes.jar(folder.resolve("retention.jar"));
    List<String> java =
        List.of(
            Processes.JAVA.toString(),
            "-Duser.language=" + language,
            "-Duser.country=" + country,
            "-jar",
            jar.toString());
    String refused = "generate --prompt hello --model " + golden("fla-f32");
    Processes.Outcome outcome = process(java, refused);
    assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    assertThat(outcome.errors()).isEqualTo(run(refused).errors()).contains("97");
    assertThat(process(java, "--help").out()).isEqualTo(run("--help").out());
    assertThat(process(java, "generate --help").out()).isEqualTo(run("generate --help").out());
  }

  private static Processes.Outcome process(List<String> java, String line) throws Exception {
    List<String> command = new ArrayList<>(java);
    command.addAll(List.of(line.split(" ")));
    return Processes.run(Map.of("LC_ALL", "C.UTF-8"), command);
  }
}
