package org.retention4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.Set;
import org.retention4j.args.Shown;
import org.retention4j.cli.jvm.StandardStreams;

/** What a command reads besides a model: a file, a pipe, or standard input as {@code -}. */
final class Inputs {
  /** Opened anew by name, a stream would begin at its beginning again, and a socket be refused. */
  private static final Set<String> STANDARD =
      Set.of("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0");

  private Inputs() {}

  /** Returns how messages call an input. */
  static String name(Path file) {
    return isStandard(file) ? "standard input" : file.toString();
  }

  private static boolean isStandard(Path file) {
    return STANDARD.contains(file.toString());
  }

  /**
   * Refuses what cannot be read, before a model is loaded, which takes a while.
   *
   * @param expected what is to be read, for messages
   * @throws IllegalArgumentException if it is missing, a folder, locked or closed
   */
  static void check(Path file, String expected) {
    if (isStandard(file)) {
      StandardStreams.input(expected);
    } else if (!Files.exists(file)) {
      throw new IllegalArgumentException("expected " + expected + ", got none, at " + file);
    } else if (Files.isDirectory(file)) {
      throw new IllegalArgumentException("expected " + expected + ", got a folder, at " + file);
    } else if (!Files.isReadable(file)) {
      throw new IllegalArgumentException("cannot read " + file + ": permission denied");
    }
  }

  /**
   * Returns an input's bytes to come, where that can be known.
   *
   * @throws IllegalArgumentException if it cannot be read
   */
  static OptionalLong size(Path file) {
    if (isStandard(file) || !Files.isRegularFile(file)) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Files.size(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Opens an input; closing it leaves standard input open. */
  static InputStream open(Path file, String expected) throws IOException {
    check(file, expected);
    return isStandard(file) ? StandardStreams.input(expected) : Files.newInputStream(file);
  }

  /** Returns a failure that names an input. */
  static IllegalArgumentException unreadable(Path file, IOException e) {
    return new IllegalArgumentException("cannot read " + name(file) + ": " + Shown.reason(e), e);
  }
}
