package org.retention4j.engine.natives;

/**
 * Native code that cannot be unpacked or loaded: the message says on one line why, and names the
 * folder and the property that chooses another. Every later use fails with the same cause.
 *
 * @since 0.1
 */
public final class NativeLibraryException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  NativeLibraryException(String library, Throwable cause) {
    super("cannot load " + library + ": " + LibraryFolder.explain(cause), cause);
  }
}
