package org.retention4j.text.internal.json;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.args.Shown;

/** Reads the regular expressions of tokenizers, and refuses what it does not know. */
final class RegexParser {
  private static final int DEEPEST = 32;
  private static final int LONGEST = 10_000;
  private static final int MOST_TIMES = 1000;

  /** Escapes of one letter for a set of characters or a character. */
  private static final String SETS = "dDwWsShH";

  private static final String CHARACTERS = "nrtfvae";
  private static final String ANCHORS = "bBAzZ";

  private final String pattern;
  private int at;
  private int depth;

  RegexParser(String pattern) {
    this.pattern = pattern;
  }

  RegexNode parse() {
    if (pattern.length() > LONGEST) {
      throw new IllegalArgumentException("of at most " + LONGEST + " characters");
    }
    RegexNode node = choice();
    if (at < pattern.length()) {
      throw unknown();
    }
    return node;
  }

  private RegexNode choice() {
    if (++depth > DEEPEST) {
      throw new IllegalArgumentException("with groups at most " + DEEPEST + " deep");
    }
    List<RegexNode> branches = new ArrayList<>();
    branches.add(row());
    while (take("|")) {
      branches.add(row());
    }
    depth--;
    return branches.size() == 1 ? branches.get(0) : new RegexNode.Choice(branches);
  }

  private RegexNode row() {
    List<RegexNode> parts = new ArrayList<>();
    while (at < pattern.length() && peek() != '|' && peek() != ')') {
      parts.add(quantified(atom()));
    }
    return new RegexNode.Row(parts);
  }

  private RegexNode atom() {
    if (take("[")) {
      set();
      return new RegexNode.One();
    }
    if (take("(")) {
      return group();
    }
    if (take("\\")) {
      return escape();
    }
    if (take("^") || take("$")) {
      return assertion();
    }
    if ("*+?{".indexOf(peek()) >= 0) {
      throw unknown();
    }
    skip();
    return new RegexNode.One();
  }

  private static RegexNode assertion() {
    return new RegexNode.Assertion(new RegexNode.One());
  }

  private RegexNode group() {
    boolean looks = take("?=") || take("?!") || take("?<=") || take("?<!");
    boolean atomic = !looks && take("?>");
    if (!looks
        && !atomic
        && !take("?:")
        && !take("?i:")
        && at < pattern.length()
        && peek() == '?') {
      throw unknown();
    }
    RegexNode inner = choice();
    if (!take(")")) {
      throw unknown();
    }
    if (looks) {
      return new RegexNode.Assertion(inner);
    }
    return atomic ? new RegexNode.Atomic(inner) : inner;
  }

  private RegexNode escape() {
    if (at == pattern.length()) {
      throw unknown();
    }
    if (ANCHORS.indexOf(peek()) >= 0) {
      at++;
      return assertion();
    }
    escapedCharacter();
    return new RegexNode.One();
  }

  /** Reads what follows a backslash where it stands for a character or a set of them. */
  private void escapedCharacter() {
    if (at == pattern.length()) {
      throw unknown();
    }
    char c = peek();
    if (take("p{") || take("P{")) {
      readTo('}');
    } else if (take("x{")) {
      readTo('}');
    } else if (c == 'x') {
      at++;
      hexDigits(2);
    } else if (c == 'u') {
      at++;
      hexDigits(4);
    } else if (SETS.indexOf(c) >= 0 || CHARACTERS.indexOf(c) >= 0 || !isWord(c)) {
      skip();
    } else {
      throw unknown();
    }
  }

  private static boolean isWord(char c) {
    return c < 128 && Character.isLetterOrDigit(c);
  }

  private void readTo(char end) {
    while (at < pattern.length() && peek() != end) {
      if (!isWord(peek()) && "^_ -=".indexOf(peek()) < 0) {
        throw unknown();
      }
      at++;
    }
    if (at == pattern.length()) {
      throw unknown();
    }
    at++;
  }

  private void hexDigits(int count) {
    for (int i = 0; i < count; i++, at++) {
      if (at == pattern.length() || Character.digit(peek(), 16) < 0) {
        throw unknown();
      }
    }
  }

  /** Reads a set of characters, after its bracket; sets may lie in sets. */
  private void set() {
    if (++depth > DEEPEST) {
      throw new IllegalArgumentException("with sets at most " + DEEPEST + " deep");
    }
    take("^");
    int begin = at;
    while (at < pattern.length() && (peek() != ']' || at == begin)) {
      if (take("\\")) {
        escapedCharacter();
      } else if (take("[")) {
        set();
      } else {
        skip();
      }
    }
    if (!take("]")) {
      throw unknown();
    }
    depth--;
  }

  private RegexNode quantified(RegexNode node) {
    if (take("{")) {
      RegexNode loop = interval(node);
      // Elsewhere "reluctant", here maybe "optional": both ways are counted.
      RegexNode counted = take("?") ? new RegexNode.Loop(loop, 0, 1) : loop;
      if (at < pattern.length() && "*+?{".indexOf(peek()) >= 0) {
        throw unknown();
      }
      return counted;
    }
    RegexNode loop = node;
    if (take("*")) {
      loop = new RegexNode.Loop(node, 0, RegexNode.Loop.UNBOUNDED);
    } else if (take("+")) {
      loop = new RegexNode.Loop(node, 1, RegexNode.Loop.UNBOUNDED);
    } else if (take("?")) {
      loop = new RegexNode.Loop(node, 0, 1);
    } else {
      return node;
    }
    boolean possessive = take("+");
    if (!possessive) {
      take("?");
    }
    if (at < pattern.length() && "*+?{".indexOf(peek()) >= 0) {
      throw unknown();
    }
    return possessive ? new RegexNode.Atomic(loop) : loop;
  }

  private RegexNode interval(RegexNode node) {
    int begin = at;
    int least = number(0);
    int most = least;
    boolean given = at > begin;
    if (take(",")) {
      begin = at;
      most = number(RegexNode.Loop.UNBOUNDED);
      given |= at > begin;
    }
    if (!given || !take("}") || (most != RegexNode.Loop.UNBOUNDED && most < least)) {
      throw unknown();
    }
    return new RegexNode.Loop(node, least, most);
  }

  private int number(int otherwise) {
    int begin = at;
    while (at < pattern.length() && Character.digit(peek(), 10) >= 0 && at - begin < 5) {
      at++;
    }
    int value = at == begin ? otherwise : Integer.parseInt(pattern.substring(begin, at));
    if (value > MOST_TIMES) {
      throw new IllegalArgumentException("that repeats at most " + MOST_TIMES + " times");
    }
    return value;
  }

  private char peek() {
    return pattern.charAt(at);
  }

  private void skip() {
    at += Character.charCount(pattern.codePointAt(at));
  }

  private boolean take(String text) {
    if (!pattern.startsWith(text, at)) {
      return false;
    }
    at += text.length();
    return true;
  }

  private IllegalArgumentException unknown() {
    String rest = Shown.name(pattern.substring(Math.min(at, pattern.length())));
    return new IllegalArgumentException(
        "of characters, sets, groups, looks around and loops, none at '" + rest + "',");
  }
}
