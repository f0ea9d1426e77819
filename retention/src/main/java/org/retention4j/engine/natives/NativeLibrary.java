package org.retention4j.engine.natives;

import java.util.concurrent.Callable;

/**
 * Native code that is loaded once, by whoever needs it first.
 *
 * <p>It is loaded in a thread of its own: what the caller is like makes no difference then, be it
 * interrupted, virtual, deep in its stack, or of a context class loader that does not see this
 * library. A failure is told to all who ask, for a class whose initialiser failed tells its cause
 * only once.
 *
 * @param <T> what the code is called through
 * @since 0.1
 */
public final class NativeLibrary<T> {
  /**
   * One object in the whole virtual machine, whatever class loaders there are: two of them that
   * unpack into the same folder at the same time come into conflict.
   */
  private static final Object UNPACKING = NativeLibrary.class.getName().intern();

  private final String name;
  private final Callable<T> loading;
  private volatile T loaded;
  private Throwable failure;

  /**
   * Describes a library.
   *
   * @param name as messages have it
   * @param loading loads it and returns what it is called through, not null
   */
  public NativeLibrary(String name, Callable<T> loading) {
    this.name = name;
    this.loading = loading;
  }

  /**
   * Returns what the library is called through.
   *
   * @throws NativeLibraryException if it cannot be loaded, at every call
   */
  public T get() {
    T found = loaded;
    return found != null ? found : loadOnce();
  }

  private synchronized T loadOnce() {
    if (loaded == null && failure == null) {
      Thread thread = new Thread(null, this::load, "retention4j-load", 0, false);
      thread.setContextClassLoader(NativeLibrary.class.getClassLoader());
      thread.setDaemon(true);
      thread.start();
      join(thread);
    }
    if (failure != null) {
      throw new NativeLibraryException(name, failure);
    }
    return loaded;
  }

  private void load() {
    try {
      synchronized (UNPACKING) {
        LibraryFolder.choose();
        loaded = loading.call();
      }
    } catch (Throwable e) {
      failure = e;
    }
  }

  /** An interrupt is kept for later. */
  private static void join(Thread thread) {
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
}
