package org.retention4j.args;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/**
 * Text from a file as messages show it: on one line, without what steers terminals, and short.
 *
 * @since 0.1
 */
public final class Shown {
  private static final int LONGEST_NAME = 100;
  private static final int LONGEST_MESSAGE = 2000;

  private Shown() {}

  /** Returns a name or a value, of which no more than {@value #LONGEST_NAME} characters. */
  public static String name(Object name) {
    return shown(String.valueOf(name), LONGEST_NAME);
  }

  /** Returns a whole message. */
  public static String message(String message) {
    return shown(message, LONGEST_MESSAGE);
  }

  private static String shown(String text, int longest) {
    StringBuilder shown = new StringBuilder(Math.min(text.length(), longest) + 16);
    int at = 0;
    while (at < text.length() && shown.length() < longest) {
      int c = text.codePointAt(at);
      if (steers(c)) {
        shown.append(String.format(Locale.ROOT, "\\u%04x", c));
      } else {
        shown.appendCodePoint(c);
      }
      at += Character.charCount(c);
    }
    return at < text.length() ? shown.append("...").toString() : shown.toString();
  }

  private static boolean steers(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }

  /** Returns why a file could not be read or written, where its name is told already. */
  public static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file or folder";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "there is a file of that name";
    }
    String reason = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
    return reason == null ? e.toString() : reason;
  }
}
