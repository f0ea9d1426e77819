package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.forms.Engines;

/** Where weights live is logged once, with why no format before took them. */
class WeightChoiceTest {
  private static final String MODULE = "jdk.incubator.vector";
  private static final long MOST_SECONDS = 120;

  @TempDir private Path folder;

  /** Runs the program as the command's launcher does, and returns what it has logged of weights. */
  private List<String> log(ComputeRoute route, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-Xmx256m", "-Djava.library.path=", "-Dretention.oneOpenMpThread=true"));
    command.add("-Xlog:class+load:file=" + folder.resolve("classes"));
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
    command.addAll(List.of(WeightChoiceProgram.class.getName(), route.name()));
    Path said = folder.resolve("said");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
    builder.environment().put("OMP_NUM_THREADS", "1");
    Process process = builder.start();
    try {
      assertThat(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(Files.readString(said)).isZero();
    } finally {
      process.destroyForcibly();
    }
    return Files.readAllLines(said).stream()
        .filter(line -> line.contains(" weights: "))
        .map(line -> line.substring(line.indexOf(": ") + 2))
        .toList();
  }

  private static List<String> oneDnnBecause(String reason) {
    return Stream.of("BFLOAT16", "INT8")
        .map(
            type ->
                type + " weights: oneDNN, in native memory; not Vector API, on the heap: " + reason)
        .toList();
  }

  /** And then no class is touched that would need it. */
  @Test
  void theModuleIsAbsent() throws Exception {
    assertThat(log(ComputeRoute.PLAIN))
        .containsExactlyElementsOf(oneDnnBecause("the module " + MODULE + " is absent"));
    assertThat(Files.readString(folder.resolve("classes")))
        .contains("org.retention4j.engine.WeightFormats ")
        .doesNotContain("org.retention4j.internal.linear.vector.", MODULE + ".");
  }

  @Test
  void theRouteIsPlain() throws Exception {
    assertThat(log(ComputeRoute.PLAIN, "--add-modules", MODULE))
        .containsExactlyElementsOf(oneDnnBecause("the engine's route is PLAIN"));
  }

  @Test
  void aFormatOfTheVectorApiTakesThem() throws Exception {
    assumeThat(Engines.vector().kernelsName()).isIn("vector-256", "vector-512");
    String bits = Engines.vector().kernelsName().replace("vector-", "");
    assertThat(log(ComputeRoute.VECTOR, "--add-modules", MODULE))
        .containsExactly(
            "BFLOAT16 weights: Vector API of " + bits + " bits, on the heap",
            "INT8 weights: Vector API of " + bits + " bits, on the heap");
  }
}
