package org.retention4j.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.retention4j.cli.jvm.SecondJvm;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/**
 * Runs the benchmark's own jar, where it is to be had: beside this one, or in a source tree that
 * was built. Its classes are apart from those of this program.
 */
@Command(
    name = "bench",
    description = {
      "Runs the benchmark against a Transformer; bench --help shows its options.",
      "It is a jar of its own, retention-bench.jar, beside this one or in a built source tree."
    })
final class BenchCommand implements Callable<Integer> {
  private static final String JAR = "retention-bench.jar";

  @Unmatched private List<String> arguments = new ArrayList<>();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Path jar = find(Path.of(here().toURI()).getParent());
    return run(jar, arguments, System.out, spec.commandLine().getErr());
  }

  /** Runs the benchmark of a jar and returns its exit code. */
  static int run(Path jar, List<String> arguments, PrintStream out, PrintWriter errors)
      throws Exception {
    // JMH starts its virtual machines with this.
    System.setProperty("java.class.path", jar.toString());
    System.clearProperty(SecondJvm.ONE_OPEN_MP_THREAD);
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    URL[] classPath = {jar.toUri().toURL()};
    try (URLClassLoader loader =
        new URLClassLoader("bench", classPath, ClassLoader.getPlatformClassLoader())) {
      thread.setContextClassLoader(loader);
      Method execute =
          loader
              .loadClass(mainClass(jar))
              .getMethod("execute", String[].class, PrintStream.class, PrintWriter.class);
      return (int) execute.invoke(null, arguments.toArray(new String[0]), out, errors);
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static URL here() {
    return BenchCommand.class.getProtectionDomain().getCodeSource().getLocation();
  }

  /**
   * Returns the benchmark's jar.
   *
   * @param folder of this program's jar
   * @throws IllegalArgumentException if it is not there
   */
  static Path find(Path folder) {
    Path beside = folder.resolve(JAR);
    Path built = folder.resolve("../../bench/target").resolve(JAR).normalize();
    for (Path jar : List.of(beside, built)) {
      if (Files.isRegularFile(jar)) {
        return jar;
      }
    }
    throw new IllegalArgumentException(
        "expected the benchmark at "
            + beside
            + " or "
            + built
            + ", got none; mvn package builds it");
  }

  private static String mainClass(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
    }
  }
}
