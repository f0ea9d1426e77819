package org.retention4j.setup;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose thread and class loader begin, how often, and where natives find no place. */
class SetUpTest {
  private static final long MOST_SECONDS = 120;

  @TempDir Path folder;

  private List<String> run(List<String> options, String... threads) throws Exception {
    Path program = folder.resolve("program");
    String name = "org/retention4j/setup/SetUpProgram.class";
    Files.createDirectories(program.resolve(name).getParent());
    Files.copy(resource("/" + name), program.resolve(name));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-Xmx1g", "-Djava.library.path=", "-cp", program.toString()));
    command.add("org.retention4j.setup.SetUpProgram");
    command.add(classPath());
    command.add(resource("/tokenizers/byte-level.json").toString());
    command.addAll(List.of(threads));
    File out = folder.resolve("out").toFile();
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out)
            .redirectError(folder.resolve("errors").toFile())
            .start();
    try {
      assertThat(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(errors()).isZero();
    } finally {
      process.destroyForcibly();
    }
    return Files.readAllLines(out.toPath());
  }

  private String errors() throws IOException {
    return new String(Files.readAllBytes(folder.resolve("errors")), StandardCharsets.UTF_8);
  }

  private static Path resource(String name) throws URISyntaxException {
    return Path.of(SetUpTest.class.getResource(name).toURI());
  }

  /** The class path may be hidden in a jar's manifest: surefire names it. */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** The first engine of each application, in the worst threads for it. */
  @Test
  void anyThreadMayBeginInAnyClassLoader() throws Exception {
    assertThat(run(List.of(), "other loader", "no loader", "common pool", "interrupted"))
        .containsExactly(
            "other loader: fine",
            "no loader: fine",
            "common pool: fine",
            "interrupted: fine",
            "still interrupted");
  }

  /** One line names the folders and the property, at every use. */
  @Test
  void saysWhereNativesFindNoPlace() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    List<String> said =
        run(List.of("-Duser.home=" + file.resolve("home"), "-Djava.io.tmpdir=" + file), "twice");
    assertThat(said)
        .hasSize(2)
        .allSatisfy(
            line ->
                assertThat(line)
                    .contains("NativeLibraryException", "cannot load", "cannot be written to")
                    .contains(file.resolve("home").toString())
                    .contains("-Dorg.bytedeco.javacpp.cachedir=DIR"));
  }
}
