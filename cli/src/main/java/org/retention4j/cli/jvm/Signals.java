package org.retention4j.cli.jvm;

import java.util.ArrayList;
import java.util.List;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Lets long work end well when the process is asked to end: Ctrl-C and SIGTERM cancel it, and only
 * a second Ctrl-C ends the process as it otherwise does at once. A virtual machine that is at its
 * end already, as in a hook, writes no whole files any more.
 */
public final class Signals implements AutoCloseable {
  /** The exit code of a process that was interrupted, as shells have it. */
  public static final int INTERRUPTED = 130;

  private final Runnable cancel;
  private final List<Runnable> restore = new ArrayList<>();
  private boolean interrupted;

  private Signals(Runnable cancel) {
    this.cancel = cancel;
  }

  /**
   * Begins to listen.
   *
   * @param cancel is called in a thread of its own, more than once perhaps
   */
  public static Signals cancelling(Runnable cancel) {
    Signals signals = new Signals(cancel);
    signals.handle("INT", signals::interrupt);
    signals.handle("TERM", cancel);
    return signals;
  }

  private void handle(String name, Runnable action) {
    try {
      Signal signal = new Signal(name);
      SignalHandler before = Signal.handle(signal, ignored -> action.run());
      restore.add(() -> Signal.handle(signal, before));
    } catch (IllegalArgumentException | LinkageError e) {
      // This machine keeps the signal for itself (-Xrs), or has none of the kind: it ends at once.
    }
  }

  private synchronized void interrupt() {
    if (interrupted) {
      Thread end = new Thread(() -> System.exit(INTERRUPTED));
      end.start();
      return;
    }
    interrupted = true;
    cancel.run();
  }

  /** Leaves signals to whom they were left before. */
  @Override
  public void close() {
    restore.forEach(Runnable::run);
  }
}
