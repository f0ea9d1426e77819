package org.retention4j.train.story;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One of the ways in which a part of a story may go.
 *
 * @param weight of this way among the others of the part
 * @param text with holes in braces: {@code "{a} meets {b}."}
 * @param ending what the story ends with if it went so; nothing is drawn for it
 */
record Sentence(int weight, String text, String ending) {
  Sentence(int weight, String text) {
    this(weight, text, "");
  }

  /** Returns the holes of the text, in their order, those of the ending not. */
  List<String> holes() {
    return holes(text);
  }

  /** Returns the expected bytes of text and ending. */
  double length(Map<String, WordList> lists) {
    double bytes = 0;
    for (String part : List.of(text, ending)) {
      bytes += part.length();
      for (String hole : holes(part)) {
        bytes += lists.get(hole).length() - hole.length() - 2;
      }
    }
    return bytes;
  }

  /** Returns a text with its holes filled. */
  static String fill(String text, Map<String, String> words) {
    String filled = text;
    for (String hole : holes(text)) {
      filled = filled.replace("{" + hole + "}", words.get(hole));
    }
    return filled;
  }

  private static List<String> holes(String text) {
    List<String> holes = new ArrayList<>();
    for (int at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) {
      holes.add(text.substring(at + 1, text.indexOf('}', at)));
    }
    return holes;
  }
}
