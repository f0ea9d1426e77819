package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.ops.WeightType;

/**
 * A file that takes no more bytes half-way, as on a full disk: the system refuses to let files of a
 * process grow beyond a size.
 */
class LimitedFilesTest extends SessionFixture {
  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir Path folder;

  /** Saves a session over what is there, in a process of its own. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      LimitedFilesTest test = new LimitedFilesTest();
      test.openEngine();
      LanguageModel model = test.model(config(true), WeightType.FLOAT32, 1);
      try (Session session = model.newSession()) {
        session.append(text(2, 50));
        session.save(Path.of(args[0]), SaveOptions.DEFAULT.withFolded());
        System.out.println("saved");
      } catch (IOException e) {
        System.out.println("refused: " + e.getMessage());
      }
      test.freesEverything();
    }
  }

  @Test
  void whatCannotBeWrittenWholeIsNotWritten() throws Exception {
    assumeTrue(Files.isExecutable(SHELL), "there is no shell that limits files");
    LanguageModel model = model(config(true), WeightType.FLOAT32, 1);
    Path file = folder.resolve("talk.snapshot");
    try (Session session = model.newSession()) {
      session.append(text(1, 40));
      session.save(file);
    }
    byte[] before = Files.readAllBytes(file);
    int blocks = before.length / 512; // less than is written this time: states stand there twice
    assertThat(run("ulimit -f " + blocks, file))
        .contains("refused: cannot write ")
        .doesNotContain("saved");
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    try (Stream<Path> all = Files.list(folder)) {
      assertThat(all.filter(path -> !path.equals(file))).as("files left behind").isEmpty();
    }
    assertThat(run("true", file)).contains("saved");
    assertThat(Files.readAllBytes(file)).hasSizeGreaterThan(before.length);
  }

  private static String run(String before, Path file) throws Exception {
    List<String> command = new ArrayList<>(List.of(SHELL.toString(), "-c", before + "; \"$@\""));
    command.add("sh");
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-XX:-UsePerfData"));
    String cache = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (cache != null) {
      command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Program.class.getName(), file.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return said;
  }
}
