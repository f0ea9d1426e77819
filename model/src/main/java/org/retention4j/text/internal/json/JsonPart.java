package org.retention4j.text.internal.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.retention4j.args.Shown;

/**
 * A value of a JSON file that knows its place, so that whatever is wrong is named by file and key.
 */
final class JsonPart {
  private static final int LONGEST_AFFIX = 64;

  private final String file;
  private final String path;
  private final JsonNode node;
  private final Set<String> asked = new LinkedHashSet<>();

  private JsonPart(String file, String path, JsonNode node) {
    this.file = file;
    this.path = path;
    this.node = node;
  }

  /** Returns a file's whole value. */
  static JsonPart root(String file, JsonNode node) {
    return new JsonPart(file, "", node);
  }

  JsonNode node() {
    return node;
  }

  /** Returns whether an object has a key whose value is not null; the key counts as known. */
  boolean has(String key) {
    return hasOrNull(key) && !node.get(key).isNull();
  }

  /** Returns whether an object has a key; it counts as known. */
  boolean hasOrNull(String key) {
    requireObject();
    asked.add(key);
    return node.has(key);
  }

  /** Returns the value of a key that an object must have, which may be null. */
  JsonPart get(String key) {
    if (!hasOrNull(key)) {
      throw new IllegalArgumentException(
          "expected the key " + key + " in " + where() + ", got none");
    }
    return child(key, node.get(key));
  }

  /** Returns the member of an object or list, for a message or to go on. */
  JsonPart child(String key, JsonNode value) {
    return new JsonPart(file, path.isEmpty() ? key : path + "." + Shown.name(key), value);
  }

  /** Returns the elements of the list under a key. */
  List<JsonPart> list(String key) {
    return get(key).list();
  }

  /** Returns the elements of a list. */
  List<JsonPart> list() {
    if (!node.isArray()) {
      throw bad("a list");
    }
    List<JsonPart> elements = new ArrayList<>();
    for (JsonNode element : node) {
      elements.add(element(elements.size(), element));
    }
    return elements;
  }

  /** Returns an element of a list, for a message or to go on. */
  JsonPart element(int index, JsonNode value) {
    return new JsonPart(file, path + "[" + index + "]", value);
  }

  /** Returns the members of an object, all of whose keys count as known. */
  Iterable<Map.Entry<String, JsonNode>> members() {
    requireObject();
    return node.properties();
  }

  String text(String key) {
    return get(key).text();
  }

  String text() {
    if (!node.isTextual()) {
      throw bad("a text");
    }
    return node.textValue();
  }

  /** Checks a text that may be null or left out. */
  void optionalText(String key) {
    if (has(key)) {
      text(key);
    }
  }

  /** Returns a text that is put to others, empty if the key is null or left out. */
  String affix(String key) {
    String text = has(key) ? text(key) : "";
    if (text.length() > LONGEST_AFFIX) {
      throw get(key).bad("at most " + LONGEST_AFFIX + " characters");
    }
    return text;
  }

  /** Returns the one character that the text of a key must be. */
  int character(String key) {
    String text = text(key);
    if (text.isEmpty() || text.length() != Character.charCount(text.codePointAt(0))) {
      throw get(key).bad("one character");
    }
    return text.codePointAt(0);
  }

  /** Checks truth values. */
  void flags(String... keys) {
    for (String key : keys) {
      flag(key);
    }
  }

  boolean flag(String key) {
    JsonPart value = get(key);
    if (!value.node.isBoolean()) {
      throw value.bad("true or false");
    }
    return value.node.booleanValue();
  }

  /** Returns a truth value that may be left out. */
  boolean optionalFlag(String key, boolean otherwise) {
    return hasOrNull(key) ? flag(key) : otherwise;
  }

  /** Checks truth values that may be null or left out. */
  void nullableFlags(String... keys) {
    for (String key : keys) {
      if (has(key)) {
        flag(key);
      }
    }
  }

  int integer(String key, int least, int most) {
    return get(key).integer(least, most);
  }

  int integer(int least, int most) {
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < least
        || node.intValue() > most) {
      throw bad("an integer in " + least + ".." + most);
    }
    return node.intValue();
  }

  /** Returns one of several texts. */
  String choice(String key, String... choices) {
    JsonPart value = get(key);
    if (!value.node.isTextual() || !List.of(choices).contains(value.node.textValue())) {
      throw value.bad("one of " + String.join(", ", choices));
    }
    return value.node.textValue();
  }

  /** Refuses keys that nobody asked for: they could mean what is not read. */
  void noOthers() {
    requireObject();
    Set<String> others = new TreeSet<>();
    node.fieldNames().forEachRemaining(others::add);
    others.removeAll(asked);
    if (!others.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected no keys but %s in %s, got %s",
              String.join(", ", asked),
              where(),
              Shown.name(String.join(", ", others))));
    }
  }

  private void requireObject() {
    if (!node.isObject()) {
      throw bad("an object");
    }
  }

  /** Returns the failure of a value that is not what was expected. */
  IllegalArgumentException bad(String expected) {
    String name = path.isEmpty() ? file : path + " in " + file;
    return new IllegalArgumentException(
        String.format(Locale.ROOT, "expected %s for %s, got %s", expected, name, shown()));
  }

  private String shown() {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list";
      default -> Shown.name(node.toString());
    };
  }

  /** Returns the place, as messages call it. */
  String where() {
    return path.isEmpty() ? file : path + " in " + file;
  }
}
