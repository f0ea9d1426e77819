package org.retention4j.cli.jvm;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A virtual machine that does a command's work for the one that was started. */
public final class SecondJvm {
  /** A fault of the command itself, by the convention of sysexits. */
  private static final int BROKEN = 70;

  /**
   * Says that every thread of this program has one OpenMP thread, by the environment, and that
   * nobody asks for more: the engine need not start ND4J to set it.
   */
  public static final String ONE_OPEN_MP_THREAD = "retention.oneOpenMpThread";

  private static final String OPEN_MP_THREADS = "OMP_NUM_THREADS";

  /** What a virtual machine says about the module, which is no news to anybody. */
  private static final String WARNING = "WARNING: Using incubator modules: jdk.incubator.vector";

  /** How that begins which a virtual machine says before; the first one has said it too. */
  private static final List<String> SAID_BEFORE =
      List.of("Picked up ", "NOTE: Picked up JDK_JAVA_OPTIONS: ");

  private static final long LOOK_MILLIS = 250;
  private static final long PATIENCE_MILLIS = 2000;

  private SecondJvm() {}

  /**
   * Runs this program with some arguments in a second virtual machine, and returns its exit code;
   * or says why it does not and returns nothing.
   */
  public static Optional<Integer> tryRun(String[] args) {
    JvmOptions options = JvmOptions.ofThisJvm();
    Optional<String> refusal = VectorJvm.refusal(options, args, VectorJvm.encoding());
    if (refusal.isPresent()) {
      return goOn(refusal.get());
    }
    Path home = Path.of(System.getProperty("java.home"));
    Path jar = Path.of(System.getProperty("java.class.path"));
    try {
      long first = ProcessHandle.current().pid();
      return Optional.of(run(VectorJvm.command(home, options, jar, args, first)));
    } catch (IOException e) {
      return goOn(e.getMessage());
    }
  }

  private static Optional<Integer> goOn(String reason) {
    System.err.println(
        "retention: going on without the Vector API and the heap for it: "
            + reason
            + " (--add-modules jdk.incubator.vector, or the launcher, needs no second one)");
    return Optional.empty();
  }

  /**
   * Runs a command to its end and returns its exit code.
   *
   * @throws IOException if it cannot be started
   */
  private static int run(List<String> command) throws IOException {
    ProcessBuilder builder = StandardStreams.inherited(command);
    if (command.contains("-D" + ONE_OPEN_MP_THREAD + "=true")) {
      builder.environment().put(OPEN_MP_THREADS, "1");
    }
    Process process = builder.start();
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(process)));
    } catch (IllegalStateException e) {
      // This virtual machine is being ended already.
      stop(process);
    }
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

  private static void stop(Process process) {
    process.destroy();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Lets this virtual machine, if it is a second one, end with the first, even if that is killed.
   * The first is known by its number, because it may have ended already; and it is looked for as
   * the parent, because a dead process keeps its number until somebody asks for its exit code.
   */
  public static void endWithFirst() {
    Long first = Long.getLong(VectorJvm.FIRST);
    if (first == null) {
      return;
    }
    Thread watch = new Thread(() -> endWith(first), "retention-first");
    watch.setDaemon(true);
    watch.start();
  }

  private static void endWith(long first) {
    while (ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L) == first) {
      pause(LOOK_MILLIS);
    }
    Thread exit = new Thread(() -> System.exit(BROKEN));
    exit.setDaemon(true);
    exit.start();
    // Time to take back what is half written, and not a moment more.
    pause(PATIENCE_MILLIS);
    Runtime.getRuntime().halt(BROKEN);
  }

  private static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      // Nobody interrupts this thread; looking once more does no harm.
    }
  }

  /** Copies all but the warning and what the first virtual machine has said before it. */
  public static void copyErrors(InputStream from, OutputStream to) throws IOException {
    boolean more = true;
    while (more) {
      more = copyLine(from, to);
    }
    byte[] room = new byte[8192];
    for (int n = from.read(room); n >= 0; n = from.read(room)) {
      to.write(room, 0, n);
      to.flush();
    }
  }

  /** Copies a line, or leaves it out; returns false after the warning and at the end. */
  private static boolean copyLine(InputStream from, OutputStream to) throws IOException {
    ByteArrayOutputStream start = new ByteArrayOutputStream();
    int next = from.read();
    while (next >= 0 && next != '\n' && mayBeLeftOut(start, next)) {
      start.write(next);
      next = from.read();
    }
    String line = start.toString(StandardCharsets.ISO_8859_1);
    if (next == '\n' && (line.equals(WARNING) || SAID_BEFORE.stream().anyMatch(line::startsWith))) {
      return !line.equals(WARNING);
    }
    // Not held back for an end of the line that may be long in coming.
    start.writeTo(to);
    while (next >= 0 && next != '\n') {
      to.write(next);
      if (from.available() == 0) {
        to.flush();
      }
      next = from.read();
    }
    if (next == '\n') {
      to.write(next);
    }
    to.flush();
    return next >= 0;
  }

  /** Returns whether a line that begins so, and goes on so, can be one that is left out. */
  private static boolean mayBeLeftOut(ByteArrayOutputStream start, int next) {
    String line = start.toString(StandardCharsets.ISO_8859_1) + (char) next;
    return WARNING.startsWith(line)
        || SAID_BEFORE.stream().anyMatch(begin -> begin.startsWith(line) || line.startsWith(begin));
  }
}
