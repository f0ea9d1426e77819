package org.retention4j.train.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What in a file is a document: a text that begins from nothing, of which the one before says
 * nothing.
 *
 * @since 0.1
 */
public enum Documents {
  /** Each file is one. */
  FILES,

  /** They end at blank lines, which belong to what they end; those before the first to none. */
  BLANK_LINES,

  /** Each line is one, with what ends it; blank lines are none. */
  LINES;

  /** Returns the documents of a file's bytes in order, none of them empty. */
  List<byte[]> of(byte[] file) {
    if (this == FILES) {
      return file.length == 0 ? List.of() : List.of(file);
    }
    List<byte[]> documents = new ArrayList<>();
    int begin = 0;
    boolean begun = false;
    boolean ended = false;
    for (int line = 0; line < file.length; line = endOfLine(file, line)) {
      boolean blank = isBlank(file, line, endOfLine(file, line));
      if (begun && (this == LINES || (ended && !blank))) {
        documents.add(Arrays.copyOfRange(file, begin, line));
        begun = false;
      }
      if (!begun && !blank) {
        begin = line;
        begun = true;
      }
      ended = blank;
    }
    if (begun) {
      documents.add(Arrays.copyOfRange(file, begin, file.length));
    }
    return documents;
  }

  /** Returns where the next line begins. */
  private static int endOfLine(byte[] file, int line) {
    int end = line;
    while (end < file.length && file[end] != '\n') {
      end++;
    }
    return Math.min(end + 1, file.length);
  }

  private static boolean isBlank(byte[] file, int begin, int end) {
    for (int i = begin; i < end; i++) {
      if (file[i] > ' ' || file[i] < 0) {
        return false;
      }
    }
    return true;
  }
}
