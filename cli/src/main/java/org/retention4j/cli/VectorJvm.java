package org.retention4j.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Runs the command in a second virtual machine with the Vector API where the first was started
 * without: a jar cannot ask for an incubator module, and without it decoding is much slower. The
 * weights lie on its heap, which is laid out for them unless an option says something of the heap.
 * {@code -Dretention.relaunch=false} leaves it at the first.
 */
final class VectorJvm {
  private static final String MODULE = "jdk.incubator.vector";
  private static final String SWITCH = "retention.relaunch";

  /** What the second one is started with, so that it is the last, and ends with the first. */
  private static final String SECOND = "second";

  /**
   * Room for weights in half of the memory; small regions, since a matrix takes whole ones; little
   * garbage, for there is little to collect; and no marking of what lives, whose bitmaps take a
   * 32nd of the heap.
   */
  private static final List<String> HEAP =
      List.of(
          "-XX:MaxRAMPercentage=50",
          "-XX:G1HeapRegionSize=1m",
          "-XX:MaxNewSize=256m",
          "-XX:InitiatingHeapOccupancyPercent=100");

  /** How options that lay out the heap, or may, begin. */
  private static final List<String> OF_THE_HEAP =
      List.of(
          "-Xmx",
          "-Xms",
          "-Xmn",
          "-XX:MaxHeap",
          "-XX:MinHeap",
          "-XX:InitialHeap",
          "-XX:MaxRAM",
          "-XX:MinRAM",
          "-XX:InitialRAM",
          "-XX:NewSize",
          "-XX:MaxNew",
          "-XX:G1HeapRegion",
          "-XX:InitiatingHeap",
          "-XX:Flags",
          "@");

  /** Where a virtual machine finds options too. */
  private static final List<String> VARIABLES =
      List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

  /** What a virtual machine says about the module, which is no news to anybody. */
  private static final String WARNING = "WARNING: Using incubator modules: " + MODULE;

  private VectorJvm() {}

  /** Returns the command to run instead of this virtual machine, or nothing if it will do. */
  static Optional<List<String>> command(String[] args) {
    String jar = System.getProperty("java.class.path", "");
    boolean wanted =
        jar.endsWith(".jar")
            && !jar.contains(System.getProperty("path.separator"))
            && Boolean.parseBoolean(System.getProperty(SWITCH, "true"))
            && ModuleLayer.boot().findModule(MODULE).isEmpty()
            && ModuleFinder.ofSystem().find(MODULE).isPresent();
    if (!wanted) {
      return Optional.empty();
    }
    Path home = Path.of(System.getProperty("java.home"));
    return Optional.of(command(home, options(), System.getenv(), jar, args));
  }

  /** Returns the options of this virtual machine; asking the system takes less time. */
  private static List<String> options() {
    List<String> all =
        Arrays.asList(ProcessHandle.current().info().arguments().orElse(new String[0]));
    int jar = all.indexOf("-jar");
    return jar >= 0
        ? all.subList(0, jar)
        : ManagementFactory.getRuntimeMXBean().getInputArguments();
  }

  /** Returns a command with the same options, some for the heap, and the module. */
  static List<String> command(
      Path home, List<String> options, Map<String, String> environment, String jar, String[] args) {
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin").resolve("java").toString());
    // A debugger or profiler is attached once only.
    options.stream()
        .filter(option -> !option.startsWith("-agent") && !option.startsWith("-javaagent"))
        .forEach(command::add);
    List<String> said = new ArrayList<>(options);
    for (String variable : VARIABLES) {
      said.addAll(Arrays.asList(environment.getOrDefault(variable, "").split("\\s+")));
    }
    if (said.stream().noneMatch(option -> OF_THE_HEAP.stream().anyMatch(option::startsWith))) {
      command.addAll(HEAP);
    }
    command.addAll(List.of("--add-modules", MODULE, "-D" + SWITCH + "=" + SECOND, "-jar", jar));
    command.addAll(Arrays.asList(args));
    return command;
  }

  /**
   * Runs a command to its end and returns its exit code.
   *
   * @throws IOException if it cannot be started
   */
  static int run(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.INHERIT)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .start();
    Thread stopping = new Thread(() -> stop(process));
    Runtime.getRuntime().addShutdownHook(stopping);
    try {
      copyErrors(process.getErrorStream(), System.err);
    } catch (IOException e) {
      // It is being stopped: nothing more will come, but it is not at its end yet.
    }
    while (true) {
      try {
        return process.waitFor();
      } catch (InterruptedException e) {
        process.destroy();
      }
    }
  }

  /** Lets the second virtual machine end when the first one does, even if that is killed. */
  static void endWithFirst() {
    if (SECOND.equals(System.getProperty(SWITCH))) {
      ProcessHandle.current().parent().ifPresent(VectorJvm::endWith);
    }
  }

  private static void endWith(ProcessHandle first) {
    CompletableFuture<Void> unused = first.onExit().thenAccept(ended -> System.exit(Main.BROKEN));
  }

  private static void stop(Process process) {
    process.destroy();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Copies all but the warning at its beginning. */
  static void copyErrors(InputStream from, OutputStream to) throws IOException {
    byte[] expected = (WARNING + System.lineSeparator()).getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream start = new ByteArrayOutputStream();
    int next = from.read();
    while (next >= 0 && start.size() < expected.length && expected[start.size()] == (byte) next) {
      start.write(next);
      next = start.size() < expected.length ? from.read() : -1;
    }
    if (start.size() < expected.length) {
      start.writeTo(to);
      if (next >= 0) {
        to.write(next);
      }
      to.flush();
    }
    byte[] room = new byte[8192];
    for (int n = from.read(room); n >= 0; n = from.read(room)) {
      to.write(room, 0, n);
      to.flush();
    }
  }
}
