package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The second virtual machine gets what the first got, and the module. */
class VectorJvmTest {
  private static final String WARNING =
      "WARNING: Using incubator modules: jdk.incubator.vector" + System.lineSeparator();

  @Test
  void keepsOptionsAndArguments() {
    assertThat(
            VectorJvm.command(
                Path.of("home"),
                List.of("-Xmx9g", "-agentlib:jdwp=x", "-Da=b c"),
                Map.of(),
                "cli.jar",
                new String[] {"info", "a folder"}))
        .containsExactly(
            Path.of("home", "bin", "java").toString(),
            "-Xmx9g",
            "-Da=b c",
            "--add-modules",
            "jdk.incubator.vector",
            "-Dretention.relaunch=second",
            "-jar",
            "cli.jar",
            "info",
            "a folder");
  }

  /** The heap is laid out for weights, unless somebody has said how it is to be. */
  @ParameterizedTest
  @CsvSource({
    "-Da=b,true",
    "-XX:+UseParallelGC,true",
    "-Xms1g,false",
    "-Xmx1g,false",
    "-XX:MaxHeapSize=1g,false",
    "-XX:MaxRAMPercentage=80,false",
    "-XX:MaxNewSize=1g,false",
    "-XX:G1HeapRegionSize=8m,false",
    "-XX:InitiatingHeapOccupancyPercent=45,false"
  })
  void laysOutTheHeap(String option, boolean ours) {
    List<String> command =
        VectorJvm.command(Path.of("home"), List.of(option), Map.of(), "cli.jar", new String[0]);
    assertThat(command).contains(option);
    String[] heap = {
      "-XX:MaxRAMPercentage=50",
      "-XX:G1HeapRegionSize=1m",
      "-XX:MaxNewSize=256m",
      "-XX:InitiatingHeapOccupancyPercent=100"
    };
    if (ours) {
      assertThat(command).contains(heap);
    } else {
      assertThat(command).filteredOn(o -> o.startsWith("-X")).containsExactly(option);
    }
  }

  /** Options come by the environment too, as they do in containers. */
  @ParameterizedTest
  @ValueSource(strings = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"})
  void leavesTheHeapToTheEnvironment(String variable) {
    Map<String, String> environment = Map.of(variable, "-Da=b -XX:MaxRAMPercentage=80");
    assertThat(VectorJvm.command(Path.of("home"), List.of(), environment, "cli.jar", new String[0]))
        .noneMatch(option -> option.startsWith("-X"));
    assertThat(
            VectorJvm.command(
                Path.of("home"), List.of(), Map.of(variable, "-Da=b"), "cli.jar", new String[0]))
        .contains("-XX:MaxRAMPercentage=50");
  }

  @Test
  void thisOneWillDo() {
    // Tests run from a class path, with the module.
    assertThat(VectorJvm.command(new String[] {"info"})).isEmpty();
  }

  private static String copied(String errors) throws IOException {
    ByteArrayOutputStream to = new ByteArrayOutputStream();
    VectorJvm.copyErrors(new ByteArrayInputStream(errors.getBytes(StandardCharsets.UTF_8)), to);
    return to.toString(StandardCharsets.UTF_8);
  }

  @Test
  void theWarningIsNoNews() throws IOException {
    assertThat(copied(WARNING)).isEmpty();
    assertThat(copied(WARNING + "retention: é\n")).isEqualTo("retention: é\n");
    assertThat(copied(WARNING + WARNING)).isEqualTo(WARNING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "W", "WARNING: something else\n", "WARNING: Using incubator", "é"})
  void everythingElseIsKept(String errors) throws IOException {
    assertThat(copied(errors)).isEqualTo(errors);
  }

  /** Starts another virtual machine, as the command does, and waits for it. */
  static final class First {
    private First() {}

    public static void main(String[] args) throws Exception {
      System.exit(java("-Dretention.relaunch=second", Second.class).inheritIO().start().waitFor());
    }
  }

  /** Says which process it is and works for a minute. */
  static final class Second {
    private Second() {}

    public static void main(String[] args) throws Exception {
      VectorJvm.endWithFirst();
      System.out.println(ProcessHandle.current().pid());
      Thread.sleep(60_000);
    }
  }

  private static ProcessBuilder java(String option, Class<?> main) {
    return new ProcessBuilder(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        option,
        "-cp",
        System.getProperty("java.class.path"),
        main.getName());
  }

  /** SIGKILL leaves the first no time to stop the second. */
  @Test
  void theSecondEndsWithTheFirst() throws Exception {
    Process first = java("-Dx=y", First.class).start();
    try (BufferedReader out = first.inputReader(StandardCharsets.UTF_8)) {
      ProcessHandle second = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
      first.destroyForcibly();
      assertThat(second.onExit().get(30, TimeUnit.SECONDS).isAlive()).isFalse();
    } finally {
      first.destroyForcibly();
    }
  }
}
