package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.cli.jvm.SecondJvm;

/** Neither the home nor the temporary folder can be written to: a line says so, and what to do. */
class NativesWithoutPlaceTest {
  @TempDir private Path folder;

  private Path file;
  private Path jar;

  @BeforeEach
  void prepare() throws IOException {
    file = Files.createFile(folder.resolve("file"));
    jar = Processes.jar(folder.resolve("retention.jar"));
  }

  private void saysSo(Map<String, String> environment, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(Processes.JAVA.toString(), "-Xmx1g"));
    command.addAll(List.of("-Duser.home=" + file.resolve("home"), "-Djava.io.tmpdir=" + file));
    command.add("-Djava.library.path=");
    command.addAll(List.of(options));
    command.addAll(List.of("-jar", jar.toString(), "generate", "--model", golden("fla-f32")));
    command.addAll(List.of("--prompt", "!", "--max-tokens", "1"));
    Processes.Outcome outcome = Processes.run(environment, command);
    assertThat(outcome.errors().lines().filter(line -> line.startsWith("retention: ")))
        .singleElement()
        .asString()
        .contains("cannot load", "cannot be written to", file.resolve("home").toString())
        .contains("-Dorg.bytedeco.javacpp.cachedir=DIR");
    assertThat(outcome.errors()).doesNotContain("Exception", "Error");
    assertThat(outcome.code()).isEqualTo(Main.BAD_INPUT);
    assertThat(outcome.out()).isEmpty();
  }

  /** As the launcher starts it: JavaCPP is begun with, and ND4J not at all. */
  @Test
  void ofTheLauncher() throws Exception {
    saysSo(
        Map.of("OMP_NUM_THREADS", "1"),
        "-D" + SecondJvm.ONE_OPEN_MP_THREAD + "=true",
        "-Dretention.relaunch=false",
        "--add-modules",
        "jdk.incubator.vector");
  }

  @Test
  void ofASecondVirtualMachine() throws Exception {
    saysSo(Map.of());
  }

  /** ND4J is loaded, to set the threads of OpenMP. */
  @Test
  void ofASingleOne() throws Exception {
    saysSo(Map.of(), "-Dretention.relaunch=false");
  }
}
