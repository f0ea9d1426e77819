package org.retention4j.cli.jvm;

import java.io.File;
import java.io.FileInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Standard input, output and error that were closed when this program was started. Their numbers go
 * to the next files that the virtual machine opens, which are its own: reading such a file gives
 * what nobody wrote, writing to it spoils it, and closing it takes it from the virtual machine.
 * Linux says what a number stands for.
 */
public final class StandardStreams {
  /** Tells a second virtual machine the numbers of those that were closed for the first. */
  private static final String CLOSED = "retention.closed";

  private static final int INPUT = 0;
  private static final int OUTPUT = 1;
  private static final int ERROR = 2;

  /** Flags of open files on Linux, in fdinfo in octal: how they are opened, and until when. */
  private static final int ACCESS = 03;

  private static final int READ_ONLY = 0;
  private static final int WRITE_ONLY = 01;
  private static final int UNTIL_EXEC = 02000000;

  private static final Path NUMBERS = Path.of("/proc/self/fd");

  /** Held open in the places of closed ones that no file has taken. */
  private static final List<InputStream> PLACES = new ArrayList<>();

  private StandardStreams() {}

  /** Puts streams that fail, or for messages one that swallows, in the place of closed ones. */
  public static void guard() {
    if (closed(INPUT)) {
      System.setIn(new ClosedInput());
    }
    if (closed(OUTPUT)) {
      System.setOut(new PrintStream(new ClosedOutput(), false, StandardCharsets.UTF_8));
    }
    if (closed(ERROR)) {
      OutputStream nowhere = OutputStream.nullOutputStream();
      System.setErr(new PrintStream(nowhere, false, StandardCharsets.UTF_8));
    }
  }

  /**
   * Returns standard input, which closing leaves open: its number would go to another file.
   *
   * @param expected what is to be read there, for the message
   * @throws IllegalArgumentException if it was closed from the beginning
   */
  public static InputStream input(String expected) {
    InputStream in = System.in;
    if (in instanceof ClosedInput) {
      throw new IllegalArgumentException(
          "expected " + expected + " on standard input, got a closed one");
    }
    return new Unclosed(in);
  }

  /** Lets a process have the standard input and output of this one, and know which are closed. */
  public static ProcessBuilder inherited(List<String> command) {
    boolean in = System.in instanceof ClosedInput;
    boolean out = closed(OUTPUT);
    List<String> words = new ArrayList<>(command);
    words.add(1, "-D" + CLOSED + "=" + (in ? INPUT : "") + (out ? OUTPUT : ""));
    return new ProcessBuilder(in || out ? words : command)
        .redirectInput(
            in
                ? ProcessBuilder.Redirect.from(new File("/dev/null"))
                : ProcessBuilder.Redirect.INHERIT)
        .redirectOutput(out ? ProcessBuilder.Redirect.DISCARD : ProcessBuilder.Redirect.INHERIT);
  }

  private static boolean closed(int number) {
    return System.getProperty(CLOSED, "").contains(Integer.toString(number)) || isForeign(number);
  }

  /** Returns whether a number is none of a stream that this program was started with. */
  private static boolean isForeign(int number) {
    if (!Files.isDirectory(NUMBERS)) {
      return false;
    }
    Path link = NUMBERS.resolve(Integer.toString(number));
    try {
      if (!Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
        PLACES.add(new FileInputStream("/dev/null"));
        return true;
      }
      int flags = flags(number);
      int wrong = number == INPUT ? WRITE_ONLY : READ_ONLY;
      // Nothing that was handed over is of the second kind, nor mapped this early.
      return (flags & ACCESS) == wrong
          || (flags & UNTIL_EXEC) != 0
          || (Files.isRegularFile(link) && isMapped(Files.readSymbolicLink(link).toString()));
    } catch (IOException e) {
      return false;
    }
  }

  private static int flags(int number) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/fdinfo/" + number)).stream()
        .filter(line -> line.startsWith("flags:"))
        .map(line -> Integer.parseInt(line.substring("flags:".length()).strip(), 8))
        .findFirst()
        .orElse(WRITE_ONLY | ACCESS);
  }

  private static boolean isMapped(String file) throws IOException {
    try (Stream<String> maps =
        Files.lines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
      return maps.anyMatch(line -> line.endsWith(" " + file));
    }
  }

  /** In the place of an input that was closed. */
  private static final class ClosedInput extends InputStream {
    @Override
    public int read() throws IOException {
      throw new IOException("it is closed");
    }
  }

  /** In the place of an output that was closed. */
  private static final class ClosedOutput extends OutputStream {
    @Override
    public void write(int b) throws IOException {
      throw new IOException("it is closed");
    }
  }

  /** A stream for one that closes what it reads. */
  private static final class Unclosed extends FilterInputStream {
    Unclosed(InputStream in) {
      super(in);
    }

    @Override
    public void close() {
      // Others may read on.
    }
  }
}
