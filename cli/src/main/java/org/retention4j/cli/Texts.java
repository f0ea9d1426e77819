package org.retention4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.retention4j.checkpoint.format.CheckpointException;

/** Reading texts, writing numbers. */
final class Texts {
  /** What messages call a text. */
  private static final String EXPECTED = "a text";

  private static final String BYTE_ORDER_MARK = "\ufeff";

  private static final double KILO = 1000;

  /** What the library calls what options give. */
  private static final Pattern NAME =
      Pattern.compile("\\b(topK|topP|repetitionPenalty|maxTokens|temperature)\\b");

  private Texts() {}

  /**
   * Reads a text in UTF-8.
   *
   * @param file of it, {@code -} for standard input
   * @throws IllegalArgumentException if it is missing or no UTF-8
   */
  static String read(Path file) {
    StringBuilder text = new StringBuilder();
    forEachPiece(file, TextPieces.LENGTH, text::append);
    return text.toString();
  }

  /** Returns a message of the library's with its names, topP, as those of options, --top-p. */
  static String withOptions(String message) {
    return NAME.matcher(message)
        .replaceAll(m -> "--" + m.group().replaceAll("(?=[A-Z])", "-").toLowerCase(Locale.ROOT));
  }

  /** Returns a failure that tells by which option a file that is there already may go. */
  static IllegalArgumentException withForce(CheckpointException failure) {
    return failure.getCause() instanceof FileAlreadyExistsException
        ? new IllegalArgumentException(
            failure.getMessage() + " (--force replaces what is there)", failure)
        : failure;
  }

  /**
   * Returns a text's bytes, where that can be known before it is read.
   *
   * @throws IllegalArgumentException if it cannot be read, or is empty
   */
  static OptionalLong size(Path file) {
    Inputs.check(file, EXPECTED);
    OptionalLong size = Inputs.size(file);
    if (size.isPresent() && size.getAsLong() == 0) {
      throw new IllegalArgumentException(
          "expected a text of at least 1 byte, got " + file + ", which is empty");
    }
    return size;
  }

  /**
   * Reads a text in UTF-8 piece by piece.
   *
   * @param file of it, {@code -} for standard input
   * @param longest most characters of a piece, at least 2
   * @throws IllegalArgumentException if it is missing or no UTF-8
   */
  static void forEachPiece(Path file, int longest, Consumer<String> each) {
    try (InputStream in = Inputs.open(file, EXPECTED)) {
      TextPieces pieces = new TextPieces(in, Math.min(TextPieces.LENGTH, longest));
      for (String piece = pieces.next(); piece != null; piece = pieces.next()) {
        each.accept(piece);
      }
    } catch (CharacterCodingException e) {
      throw noUtf8(file, e);
    } catch (IOException e) {
      throw Inputs.unreadable(file, e);
    }
  }

  /**
   * Reads a text in UTF-8 line by line: without what ends a line, LF, CR LF or CR, and without a
   * byte order mark at the beginning.
   *
   * @param file of it, {@code -} for standard input
   * @throws IllegalArgumentException if it is missing or no UTF-8
   */
  static void forEachLine(Path file, Consumer<String> each) {
    try (InputStream in = Inputs.open(file, EXPECTED)) {
      // A decoder of its own refuses what is no UTF-8; the charset alone replaces it.
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
      boolean first = true;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        each.accept(first && line.startsWith(BYTE_ORDER_MARK) ? line.substring(1) : line);
        first = false;
      }
    } catch (CharacterCodingException e) {
      throw noUtf8(file, e);
    } catch (IOException e) {
      throw Inputs.unreadable(file, e);
    }
  }

  private static IllegalArgumentException noUtf8(Path file, CharacterCodingException e) {
    return new IllegalArgumentException(
        "expected UTF-8 in " + Inputs.name(file) + ", got other bytes", e);
  }

  /** Returns bytes in the unit that suits them. */
  static String bytes(double bytes) {
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    double value = bytes;
    while (value >= KILO && unit < units.length - 1) {
      value /= KILO;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
  }

  /** Returns a whole number with separators. */
  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
