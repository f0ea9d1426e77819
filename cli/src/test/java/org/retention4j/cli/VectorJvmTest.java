package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.cli.jvm.Arguments;
import org.retention4j.cli.jvm.JvmOptions;
import org.retention4j.cli.jvm.VectorJvm;

/** The second virtual machine gets what the first got, and the module. */
class VectorJvmTest {
  private static final JvmOptions NONE = new JvmOptions(List.of(), List.of());

  @TempDir private Path folder;

  private static List<String> command(JvmOptions options, Path jar, String... args) {
    return VectorJvm.command(Path.of("home"), options, jar, args, 42);
  }

  @Test
  void keepsOptionsAndArguments() {
    JvmOptions options = new JvmOptions(List.of("-Xmx9g", "-Da=b c"), List.of("-Xmx9g", "-Da=b c"));
    assertThat(command(options, Path.of("cli.jar"), "generate", "a folder"))
        .containsExactly(
            Path.of("home", "bin", "java").toString(),
            "-Xmx9g",
            "-Da=b c",
            "-Dretention.oneOpenMpThread=true",
            "--add-modules",
            "jdk.incubator.vector",
            "-Dretention.relaunch=false",
            "-Dretention.first=42",
            "-jar",
            "cli.jar",
            "generate",
            "a folder");
  }

  /** The heap is laid out for weights, unless somebody has said how it is to be. */
  @Test
  void laysOutTheHeap() {
    assertThat(command(NONE, Path.of("cli.jar")))
        .contains(
            "-XX:MaxRAMPercentage=50",
            "-XX:G1HeapRegionSize=1m",
            "-XX:MaxNewSize=256m",
            "-XX:InitiatingHeapOccupancyPercent=100");
    // By the environment, which the second has from the first.
    JvmOptions elsewhere = new JvmOptions(List.of("-Da=b"), List.of("-Da=b", "-Xms1g"));
    assertThat(command(elsewhere, Path.of("cli.jar"))).noneMatch(o -> o.startsWith("-X"));
  }

  @Test
  void theBenchmarkSetsItsThreadsItself() {
    assertThat(command(NONE, Path.of("cli.jar"), "bench", "--quick"))
        .noneMatch(option -> option.contains("OpenMp"));
  }

  /** A file that was cut off would be the end of the virtual machine. */
  @Test
  void sharesClassesOfTheRightSizeOnly() throws Exception {
    Path jar = folder.resolve("cli.jar");
    Path archive = Files.writeString(folder.resolve("retention.jsa"), "12345");
    assertThat(command(NONE, jar)).noneMatch(option -> option.contains("Shared"));
    Path size = Files.writeString(folder.resolve("retention.jsa.size"), "5\n");
    assertThat(command(NONE, jar)).contains("-XX:SharedArchiveFile=" + archive);
    Files.writeString(size, "6\n");
    assertThat(command(NONE, jar)).noneMatch(option -> option.contains("Shared"));
    Files.writeString(size, "");
    assertThat(command(NONE, jar)).noneMatch(option -> option.contains("Shared"));
  }

  @Test
  void isNotWantedTwice() {
    // Tests run from a class path, with the module.
    assertThat(VectorJvm.wanted(new String[] {"generate"})).isFalse();
  }

  @Test
  void whatIsForOneStaysThere() {
    JvmOptions options = new JvmOptions(List.of(), List.of("-Da=b", "-javaagent:x.jar"));
    assertThat(VectorJvm.refusal(options, new String[0], StandardCharsets.UTF_8))
        .hasValueSatisfying(reason -> assertThat(reason).contains("-javaagent:x.jar"));
    assertThat(VectorJvm.refusal(NONE, new String[] {"generate"}, StandardCharsets.UTF_8))
        .isEmpty();
  }

  /** On JDK 17 processes get their words in -Dfile.encoding, and read them in the locale's. */
  @Test
  void wordsThatWouldBecomeOthersStayToo() {
    Charset other =
        Arguments.encoding().equals(StandardCharsets.ISO_8859_1)
            ? StandardCharsets.UTF_8
            : StandardCharsets.ISO_8859_1;
    assertThat(VectorJvm.refusal(NONE, new String[] {"--prompt", "é"}, other))
        .hasValueSatisfying(reason -> assertThat(reason).contains("é", "file.encoding"));
    assertThat(VectorJvm.refusal(NONE, new String[] {"--prompt", "e"}, other)).isEmpty();
  }
}
