package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark is another jar. */
class BenchCommandTest {
  @TempDir private Path folder;

  @Test
  void isBesideOrInASourceTree() throws Exception {
    Path target = Files.createDirectories(folder.resolve("cli/target"));
    assertThatThrownBy(() -> BenchCommand.find(target))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("retention-bench.jar")
        .hasMessageContaining("mvn package");
    Path built = Files.createDirectories(folder.resolve("bench/target"));
    Path there = Files.createFile(built.resolve("retention-bench.jar"));
    assertThat(BenchCommand.find(target)).isEqualTo(there);
    Path beside = Files.createFile(target.resolve("retention-bench.jar"));
    assertThat(BenchCommand.find(target)).isEqualTo(beside);
  }

  /** Stands for the benchmark. */
  public static final class Benchmark {
    private Benchmark() {}

    /** Says what it was given, and where it is. */
    public static int execute(String[] args, PrintStream out, PrintWriter errors) {
      out.println(String.join(",", args));
      out.println(System.getProperty("java.class.path"));
      out.println(System.getProperty("retention.oneOpenMpThread"));
      ClassLoader own = Benchmark.class.getClassLoader();
      out.println(own == Thread.currentThread().getContextClassLoader());
      errors.println("unequal");
      return 7;
    }
  }

  /** Runs the command with a benchmark beside it. */
  static final class Command {
    private Command() {}

    public static void main(String[] args) throws Exception {
      List<String> rest = List.of(args).subList(1, args.length);
      PrintWriter errors = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
      System.exit(BenchCommand.run(Path.of(args[0]), rest, System.out, errors));
    }
  }

  @Test
  void runsApartWithItsArguments() throws Exception {
    Path jar = Processes.jar(folder.resolve("retention-bench.jar"), Benchmark.class.getName());
    Processes.Outcome outcome =
        Processes.run(
            Map.of(),
            List.of(
                Processes.JAVA.toString(),
                "-Dretention.oneOpenMpThread=true",
                "-cp",
                System.getProperty("java.class.path"),
                Command.class.getName(),
                jar.toString(),
                "--quick",
                "@x"));
    assertThat(outcome.out().lines()).containsExactly("--quick,@x", jar.toString(), "null", "true");
    assertThat(outcome.errors()).contains("unequal");
    assertThat(outcome.code()).isEqualTo(7);
  }
}
