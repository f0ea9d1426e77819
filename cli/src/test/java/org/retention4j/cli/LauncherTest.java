package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.cli.jvm.JvmOptions;
import org.retention4j.cli.jvm.VectorJvm;

/** The script that starts the command, with a Java that shows what it is given. */
class LauncherTest {
  private static final String HEAP = "-XX:MaxRAMPercentage=50";

  @TempDir private Path folder;

  private Path home;
  private Path launcher;
  private Path java;

  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void install() throws IOException {
    home = Files.createDirectories(folder.resolve("a folder"));
    launcher = Files.copy(Path.of("src/main/scripts/retention"), home.resolve("retention"));
    assertThat(launcher.toFile().setExecutable(true)).isTrue();
    Processes.jar(home.resolve("retention.jar"));
    java = javaHome("bin");
    environment.put("JAVA_HOME", java.getParent().getParent().toString());
    environment.put("LC_ALL", "C.UTF-8");
  }

  private Path javaHome(String bin) throws IOException {
    Path file = Files.createDirectories(folder.resolve("a jdk").resolve(bin)).resolve("java");
    Files.writeString(
        file,
        "#!/bin/sh\nprintf '%s\\n' \"$@\" \"OMP=${OMP_NUM_THREADS-}\" \"LC=${LC_ALL-}\"\nexit 9\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  private Processes.Outcome run(List<String> command) throws Exception {
    return Processes.run(Processes.process(environment, command).directory(folder.toFile()));
  }

  /** Returns what Java was given, word by word. */
  private List<String> words(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(arguments));
    Processes.Outcome outcome = run(command);
    assertThat(outcome.errors()).isEmpty();
    assertThat(outcome.code()).isEqualTo(9);
    return outcome.out().lines().toList();
  }

  @Test
  void givesJavaWhatACommandNeeds() throws Exception {
    assertThat(words("generate", "--prompt", "a  b*", "", "@x"))
        .containsExactly(
            HEAP,
            "-XX:G1HeapRegionSize=1m",
            "-XX:MaxNewSize=256m",
            "-XX:InitiatingHeapOccupancyPercent=100",
            "--add-modules",
            "jdk.incubator.vector",
            "-Dretention.oneOpenMpThread=true",
            "-Dretention.relaunch=false",
            "-jar",
            home.resolve("retention.jar").toString(),
            "generate",
            "--prompt",
            "a  b*",
            "",
            "@x",
            "OMP=1",
            "LC=C.UTF-8");
    assertThat(VectorJvm.HEAP).isEqualTo(words().subList(0, 4));
  }

  @Test
  void takesOptionsOfJava() throws Exception {
    environment.put("JAVA_OPTS", " -Da=b\t-XX:+UseParallelGC  *");
    assertThat(words("info"))
        .containsSubsequence("-Da=b", "-XX:+UseParallelGC", "*", "-jar")
        .contains(HEAP);
  }

  /** As the second virtual machine does, see {@link JvmOptions}. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "-Xms1g",
        "-Xmx1g",
        "-Xmn1g",
        "-XX:MaxHeapSize=1g",
        "-XX:MinHeapSize=1g",
        "-XX:InitialHeapSize=1g",
        "-XX:MaxRAMPercentage=80",
        "-XX:MinRAMPercentage=80",
        "-XX:InitialRAMPercentage=80",
        "-XX:NewSize=1g",
        "-XX:NewRatio=2",
        "-XX:MaxNewSize=1g",
        "-XX:G1HeapRegionSize=8m",
        "-XX:InitiatingHeapOccupancyPercent=45"
      })
  void leavesTheHeapToOthers(String option) throws Exception {
    for (String variable :
        List.of("JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")) {
      environment.put(variable, "-Da=b " + option);
      assertThat(words("info")).doesNotContain(HEAP);
      environment.remove(variable);
    }
  }

  @Test
  void theBenchmarkSetsItsThreadsItself() throws Exception {
    environment.put("OMP_NUM_THREADS", "7");
    assertThat(words("bench", "--quick")).contains("OMP=7").noneMatch(w -> w.contains("OpenMp"));
    assertThat(words("info")).contains("OMP=1");
  }

  @Test
  void isFoundByLinksAndOnThePath() throws Exception {
    Path elsewhere = Files.createDirectories(folder.resolve("bin"));
    Path link = Files.createSymbolicLink(elsewhere.resolve("r"), Path.of("../second"));
    Files.createSymbolicLink(folder.resolve("second"), launcher);
    String jar = home.resolve("retention.jar").toString();
    assertThat(run(List.of(link.toString(), "info")).out()).contains("\n" + jar + "\n");
    environment.put("PATH", elsewhere + ":" + System.getenv("PATH"));
    assertThat(run(List.of("sh", "-c", "r info")).out()).contains("\n" + jar + "\n");
    assertThat(run(List.of("sh", "-c", "cd 'a folder' && sh retention info")).out())
        .contains("\n./retention.jar\n");
  }

  @Test
  void findsJavaOnThePath() throws Exception {
    environment.remove("JAVA_HOME");
    environment.put("PATH", java.getParent() + ":" + System.getenv("PATH"));
    assertThat(words("info")).contains("-jar");
  }

  @Test
  void saysWhatIsMissing() throws Exception {
    environment.put("JAVA_HOME", folder.resolve("none").toString());
    Processes.Outcome outcome = run(List.of(launcher.toString(), "info"));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).contains("JAVA_HOME", folder.resolve("none").toString());
    Files.delete(home.resolve("retention.jar"));
    outcome = run(List.of(launcher.toString(), "info"));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).contains("retention.jar", home.toString());
  }

  /** A Java may have been put together without the Vector API. */
  @ParameterizedTest
  @CsvSource({"java.base jdk.incubator.vector jdk.jfr, true", "java.base jdk.jfr, false"})
  void asksForTheModuleWhereItIs(String modules, boolean there) throws Exception {
    Path release = folder.resolve("a jdk/release");
    Files.writeString(release, "JAVA_VERSION=\"17\"\nMODULES=\"" + modules + "\"\nX=\"y\"\n");
    assertThat(words("info").contains("--add-modules")).isEqualTo(there);
  }

  /** A number that is free would go to a file of Java's; what has it then fails as closed does. */
  @ParameterizedTest
  @ValueSource(strings = {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"})
  void putsSomethingInThePlaceOfClosedStreams(String redirections) throws Exception {
    Path seen = folder.resolve("seen");
    Files.writeString(
        java,
        "#!/bin/sh\nall=$(for i in 0 1 2; do readlink /proc/$$/fd/$i; "
            + "sed -n 's/flags:.*\\(.\\)$/\\1/p' /proc/$$/fdinfo/$i; done)\n"
            + ("printf '%s\\n' \"$all\" >'" + seen + "'\n"));
    String script = "\"$0\" info " + redirections;
    Processes.Outcome outcome = run(List.of("sh", "-c", script, launcher.toString()));
    assertThat(outcome.errors()).isEmpty();
    List<String> lines = Files.readAllLines(seen);
    assertThat(lines).hasSize(6);
    // Octal digits of how it is opened: 0 for reading, 1 for writing.
    if (redirections.contains("<&-")) {
      assertThat(lines.subList(0, 2)).containsExactly("/dev/null", "1");
    } else {
      assertThat(lines.get(1)).isEqualTo("0");
    }
    if (redirections.contains(" >&-") || redirections.startsWith(">&-")) {
      assertThat(lines.subList(2, 4)).containsExactly("/dev/null", "0");
    } else {
      assertThat(lines.get(3)).isNotEqualTo("0");
    }
    if (redirections.contains("2>&-")) {
      assertThat(lines.subList(4, 6)).containsExactly("/dev/null", "1");
    }
  }

  /** In the C locale Java reads no other letters. */
  @ParameterizedTest
  @CsvSource({"C, C.UTF-8", "POSIX, C.UTF-8", "xx_YY.UTF-8, C.UTF-8", "C.UTF-8, C.UTF-8"})
  void readsUtf8(String locale, String used) throws Exception {
    environment.put("LC_ALL", locale);
    assertThat(words("info")).contains("LC=" + used);
  }

  @Test
  void sharesClassesOfTheRightSizeOnly() throws Exception {
    Path archive = Files.writeString(home.resolve("retention.jsa"), "12345");
    String option = "-XX:SharedArchiveFile=" + archive;
    assertThat(words("info")).doesNotContain(option);
    Path size = Files.writeString(home.resolve("retention.jsa.size"), "5\n");
    assertThat(words("info")).containsSubsequence(option, "-Xlog:cds=off", "-jar");
    Files.writeString(size, "6\n");
    assertThat(words("info")).doesNotContain(option);
    Files.writeString(size, "");
    assertThat(words("info")).doesNotContain(option);
  }

  /** Through Java itself: the same text as without, and nothing of ND4J's, which takes a while. */
  @Test
  void runsACommand() throws Exception {
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("JAVA_OPTS", "-Xmx1g -Xlog:class+load:file=classes:none:filecount=0");
    String[] command = {
      "generate",
      "--model",
      Path.of(golden("fla-bf16")).toAbsolutePath().toString(),
      "--prompt",
      "ABCDEFGH",
      "--max-tokens",
      "5",
      "--logprobs"
    };
    List<String> all = new ArrayList<>(List.of(launcher.toString()));
    all.addAll(List.of(command));
    Processes.Outcome outcome = run(all);
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    assertThat(outcome.out()).isEqualTo(Commands.ok(command).out());
    assertThat(folder.resolve("classes"))
        .content()
        .contains("org.retention4j.internal.linear.onednn.OneDnn ", "jdk.incubator.vector")
        .doesNotContain("org.nd4j.linalg.factory.Nd4j ", "Nd4jCpu");
  }
}
