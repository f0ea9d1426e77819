package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command by a bare java -jar: one virtual machine, or two that look like one. */
class RelaunchTest {
  private static final String WITHOUT = "going on without the Vector API";

  private static final String QUICK = String.join(" ", Processes.QUICK);

  private static final String GENERATE = "' generate --max-tokens";

  @TempDir private Path folder;

  private Path jar;

  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void makeJar() throws IOException {
    jar = Processes.jar(folder.resolve("retention.jar"));
    environment.put("LC_ALL", "C.UTF-8");
  }

  private List<String> java(List<String> options, String... arguments) {
    List<String> command = new ArrayList<>(List.of(Processes.JAVA.toString()));
    command.addAll(options);
    command.addAll(Processes.QUICK);
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static String[] generate(String prompt, String... more) {
    List<String> words = new ArrayList<>(List.of("generate", "--model"));
    words.add(Path.of(golden("fla-f32")).toAbsolutePath().toString());
    words.addAll(List.of("--prompt", prompt, "--max-tokens", "3", "--logprobs"));
    words.addAll(List.of(more));
    return words.toArray(new String[0]);
  }

  private Processes.Outcome run(List<String> options, String... arguments) throws Exception {
    return Processes.run(environment, java(options, arguments));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Says the same as this virtual machine does, which has the module. */
  private static void isRight(Processes.Outcome outcome) {
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    assertThat(outcome.out()).isEqualTo(Commands.ok(generate("A")).out());
    assertThat(outcome.errors()).doesNotContain("incubator", "Exception");
  }

  @Test
  void aSecondOneLooksLikeOne() throws Exception {
    environment.put("JAVA_TOOL_OPTIONS", "-Da=b");
    environment.put("JDK_JAVA_OPTIONS", "-Dc=d");
    Processes.Outcome outcome = run(List.of("-De=f", "-Xmx1g"), generate("A", "--debug"));
    isRight(outcome);
    assertThat(outcome.errors())
        .containsOnlyOnce("Picked up JAVA_TOOL_OPTIONS")
        .containsOnlyOnce("Picked up JDK_JAVA_OPTIONS")
        .contains("kernels: Vector API")
        .doesNotContain(WITHOUT);
  }

  /** What can be there once is there once: the command goes on where it is, and says so. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "-Dcom.sun.management.jmxremote.port=PORT -Dcom.sun.management.jmxremote.authenticate=false"
            + " -Dcom.sun.management.jmxremote.ssl=false",
        "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:PORT",
        "-Xrunjdwp:transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:PORT",
        "-Xlog:gc:file=FOLDER/gc.log",
        "-XX:StartFlightRecording:filename=FOLDER/record.jfr"
      })
  void isNotTwice(String given) throws Exception {
    String options = given.replace("PORT", "" + freePort()).replace("FOLDER", folder.toString());
    Path file = Files.writeString(folder.resolve("options"), options.replace(' ', '\n'));
    isOnce(run(List.of(options.split(" ")), generate("A")));
    isOnce(run(List.of("@" + file), generate("A")));
    environment.put("JAVA_TOOL_OPTIONS", options);
    isOnce(run(List.of(), generate("A")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"})
  void isNotTwiceByOtherVariables(String variable) throws Exception {
    environment.put(variable, "-XX:HeapDumpPath=dump -Da=b");
    isOnce(run(List.of(), generate("A")));
  }

  private static void isOnce(Processes.Outcome outcome) {
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    assertThat(outcome.errors()).containsOnlyOnce(WITHOUT).doesNotContain("Exception");
  }

  @Test
  void aCommandThatComputesNothingNeedsNoSecond() throws Exception {
    environment.put("JAVA_TOOL_OPTIONS", "-Xlog:gc:file=" + folder.resolve("gc.log"));
    Processes.Outcome outcome = run(List.of(), "info", golden("fla-f32"));
    assertThat(outcome.code()).isZero();
    assertThat(outcome.errors()).doesNotContain(WITHOUT);
  }

  /** A text is what it says, whether there is a file of that name or not. */
  @ParameterizedTest
  @ValueSource(strings = {"@note", "@@HI+-", "@HI"})
  void aPromptIsNoFile(String prompt) throws Exception {
    Files.writeString(folder.resolve("note"), "words of a file");
    Processes.Outcome outcome =
        Processes.run(
            Processes.process(environment, java(List.of("-Xmx1g"), generate(prompt)))
                .directory(folder.toFile()));
    if (prompt.equals("@note")) {
      // The golden model's bytes end at 96.
      assertThat(outcome.code()).as(outcome.errors()).isEqualTo(Main.BAD_INPUT);
      assertThat(outcome.errors()).contains("vocabulary");
    } else {
      assertThat(outcome.errors()).contains("at position " + (prompt.length() + 2));
    }
  }

  /** Words and folders that are not of the locale's encoding, as in a container without a LANG. */
  @Test
  void otherLettersAreReadOrRefused() throws Exception {
    Path model = folder.resolve("model");
    new CountingModel().write(model, 'm', 261);
    String prefix =
        "exec '" + Processes.JAVA + ("' -Xmx1g " + QUICK + " -jar '") + jar + GENERATE + " 2";
    String prompt = " --model '" + model + "' --prompt \"$(printf 'a\\303\\251b')\"";
    String folderName =
        "d='"
            + folder
            + "'/$(printf '\\346\\250\\241'); mkdir -p \"$d\" && cp '"
            + model
            + "'/* \"$d\" && ";
    String here = "cd \"$d\" && " + prefix + " --prompt b --model .";
    String there = prefix + " --prompt b --model \"$d\"";

    for (String script : List.of(prefix + prompt, folderName + here, folderName + there)) {
      Processes.Outcome read = Processes.run(environment, List.of("sh", "-c", script));
      assertThat(read.code()).as(read.errors()).isZero();
      assertThat(read.out()).isEqualTo("cd" + System.lineSeparator());
    }
    for (String locale : List.of("C", "POSIX")) {
      environment.put("LC_ALL", locale);
      for (String script : List.of(prefix + prompt, folderName + here, folderName + there)) {
        Processes.Outcome refused = Processes.run(environment, List.of("sh", "-c", script));
        assertThat(refused.code()).as(script).isEqualTo(Main.BAD_INPUT);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.errors().strip())
            .contains("the encoding of this locale", "LC_ALL=C.UTF-8")
            .doesNotContain("\n");
      }
    }
    environment.put("LC_ALL", "C.UTF-8");
    String latin = prefix + prompt.replace("\\303\\251", "\\351");
    Processes.Outcome refused = Processes.run(environment, List.of("sh", "-c", latin));
    assertThat(refused.code()).isEqualTo(Main.BAD_INPUT);
    assertThat(refused.errors()).contains("the encoding of this locale");
  }

  /** On JDK 17 -Dfile.encoding is how words are handed to a process. */
  @Test
  void aWordIsTheSameInTheSecond() throws Exception {
    new CountingModel().write(folder.resolve("model"), 'm', 261);
    String script =
        "exec '"
            + Processes.JAVA
            + ("' -Dfile.encoding=ISO-8859-1 -Xmx1g " + QUICK + " -jar '")
            + jar
            + (GENERATE + " 1 --stop \"$(printf '\\303\\251')\"")
            + (" --model '" + folder + "/model' --prompt \"$(printf '\\303\\251a')\"");
    Processes.Outcome outcome = Processes.run(environment, List.of("sh", "-c", script));
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    // Two bytes and one.
    assertThat(outcome.errors()).contains("position 3");
  }

  /** SIGKILL, at moments from before the second has begun until it works. */
  @ParameterizedTest
  @ValueSource(ints = {0, 50, 150, 400})
  void nothingIsLeftOfAKilledCommand(int millis) throws Exception {
    List<String> command = java(List.of("-Xmx1g"), generate("A", "--ignore-eos"));
    command.set(command.indexOf("3"), "100000000");
    Process first =
        Processes.process(environment, command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (first.children().findAny().isEmpty() && System.nanoTime() < deadline) {
        assertThat(first.waitFor(1, TimeUnit.MILLISECONDS)).isFalse();
      }
      ProcessHandle second = first.children().findAny().orElseThrow();
      assertThat(first.waitFor(millis, TimeUnit.MILLISECONDS)).isFalse();
      first.destroyForcibly();
      assertThat(second.onExit().get(30, TimeUnit.SECONDS).isAlive()).isFalse();
    } finally {
      first.destroyForcibly();
    }
  }
}
