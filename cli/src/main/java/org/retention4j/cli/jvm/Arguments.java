package org.retention4j.cli.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * The words of the command line as the shell gave them. Java decodes them in the encoding of the
 * locale, and what that does not know becomes question marks: another text, another file.
 */
public final class Arguments {
  /** Where Linux keeps a process's words, each followed by a 0. */
  private static final Path WORDS = Path.of("/proc/self/cmdline");

  private static final char REPLACEMENT = '\ufffd';

  private Arguments() {}

  /** Returns the encoding of words and of file names. */
  public static Charset encoding() {
    try {
      return Charset.forName(System.getProperty("sun.jnu.encoding"));
    } catch (IllegalArgumentException e) {
      return Charset.defaultCharset();
    }
  }

  /** Returns what is wrong with the words or the working folder of this process, if anything. */
  public static Optional<String> fault(String[] args) {
    String folder = System.getProperty("user.dir");
    if (doubtful(folder) && !exists(folder)) {
      return Optional.of(message("the name of the working folder", folder));
    }
    if (Arrays.stream(args).noneMatch(Arguments::doubtful)) {
      return Optional.empty();
    }
    try {
      return fault(args, Files.readAllBytes(WORDS), encoding());
    } catch (IOException e) {
      return fault(args, new byte[0], encoding());
    }
  }

  /**
   * Returns what is wrong with words.
   *
   * @param process the bytes of all words of the process, of which these are the last; where it has
   *     fewer, a replacement character is taken for a fault
   */
  public static Optional<String> fault(String[] args, byte[] process, Charset encoding) {
    int end = process.length;
    for (int i = args.length - 1; i >= 0; i--) {
      int begin = end - 1;
      while (begin > 0 && process[begin - 1] != 0) {
        begin--;
      }
      boolean right =
          begin < 0
              ? args[i].indexOf(REPLACEMENT) < 0
              : decodes(ByteBuffer.wrap(process, begin, end - 1 - begin), encoding);
      if (!right) {
        return Optional.of(message("word " + (i + 1) + " of the command", args[i]));
      }
      end = Math.max(0, begin);
    }
    return Optional.empty();
  }

  private static boolean decodes(ByteBuffer word, Charset encoding) {
    try {
      encoding.newDecoder().decode(word);
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  /** Returns whether something may have been lost. */
  private static boolean doubtful(String text) {
    return text.chars().anyMatch(c -> c == '?' || c > '~');
  }

  private static boolean exists(String folder) {
    try {
      return Files.isDirectory(Path.of(folder));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static String message(String what, String text) {
    return "expected "
        + what
        + " in "
        + encoding()
        + ", the encoding of this locale, got '"
        + text
        + "' with other bytes in it (LC_ALL=C.UTF-8 reads UTF-8)";
  }
}
