package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.retention4j.cli.jvm.JvmOptions;

/** Starts the command in a process of its own. */
final class Processes {
  static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  /** Options of Java with which a short command costs half of the processor's time. */
  static final List<String> QUICK = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private static final long PATIENCE_SECONDS = 120;

  private Processes() {}

  /** What a process left behind. */
  record Outcome(int code, String out, String errors) {}

  /** Makes a jar whose class path is that of the tests, to be run by java -jar. */
  static Path jar(Path file, String main) throws IOException {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toUri().toString())
            .collect(Collectors.joining(" "));
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, main);
    manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
    manifest.getMainAttributes().putValue("Enable-Native-Access", "ALL-UNNAMED");
    try (OutputStream out = Files.newOutputStream(file)) {
      new JarOutputStream(out, manifest).close();
    }
    return file;
  }

  static Path jar(Path file) throws IOException {
    return jar(file, Main.class.getName());
  }

  /** Returns a process to start, without options of Java that the tests may run with. */
  static ProcessBuilder process(Map<String, String> environment, List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> all = builder.environment();
    JvmOptions.VARIABLES.forEach(all::remove);
    all.keySet().removeAll(List.of("JAVA_OPTS", "JAVA_HOME", "OMP_NUM_THREADS"));
    all.putAll(environment);
    return builder;
  }

  static Outcome run(Map<String, String> environment, List<String> command) throws Exception {
    return run(process(environment, command));
  }

  static Outcome run(ProcessBuilder builder) throws Exception {
    Path out = Files.createTempFile("out", null);
    Path errors = Files.createTempFile("errors", null);
    try {
      Process process = builder.redirectOutput(out.toFile()).redirectError(errors.toFile()).start();
      process.getOutputStream().close();
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
          .as("%s", builder.command())
          .isTrue();
      return new Outcome(
          process.exitValue(),
          new String(Files.readAllBytes(out), StandardCharsets.UTF_8),
          new String(Files.readAllBytes(errors), StandardCharsets.UTF_8));
    } finally {
      Files.delete(out);
      Files.delete(errors);
    }
  }
}
