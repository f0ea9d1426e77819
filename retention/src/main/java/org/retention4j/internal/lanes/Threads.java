package org.retention4j.internal.lanes;

/** What threads ask of one another. */
final class Threads {
  /** Frames of at least 16 bytes each, so 4 KiB: what locks, lanes and OpenMP calls need twice. */
  private static final int FRAMES = 256;

  private Threads() {}

  /** Waits until a thread has ended; an interrupt is kept for later. */
  static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Makes sure that there is some stack left, so that what must happen together is not cut in two
   * by its end.
   *
   * @throws StackOverflowError if there is not
   */
  static void requireStack() {
    if (descend(FRAMES) != FRAMES) {
      throw new AssertionError();
    }
  }

  private static int descend(int frames) {
    return frames == 0 ? 0 : descend(frames - 1) + 1;
  }

  /** Throws whatever was thrown elsewhere, a checked exception too. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> RuntimeException rethrow(Throwable thrown) throws E {
    throw (E) thrown;
  }
}
