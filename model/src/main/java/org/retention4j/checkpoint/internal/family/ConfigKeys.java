package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/**
 * Typed access to the keys of a config.json, each with a clear error.
 *
 * @since 0.1
 */
public final class ConfigKeys {
  /** Far more than any model has; more would only fill the memory. */
  private static final int MOST_LAYERS = 10_000;

  private final String where;
  private final JsonNode node;

  /** Keys that were asked for: what is read, or compared with what is read. */
  private final Set<String> asked = ConcurrentHashMap.newKeySet();

  /**
   * Puts access on an object.
   *
   * @param where what errors call it
   */
  public ConfigKeys(String where, JsonNode node) {
    if (!node.isObject()) {
      throw new CheckpointException(
          "expected a JSON object in " + where + ", got " + Json.token(node.asToken()));
    }
    this.where = where;
    this.node = node;
  }

  /** Returns whether a key is there and not null. */
  boolean has(String key) {
    asked.add(key);
    return node.hasNonNull(key);
  }

  /** Returns whether a key is there and null. */
  boolean isNull(String key) {
    asked.add(key);
    return node.has(key) && node.get(key).isNull();
  }

  /** Returns a key's node, null if it is absent or null. */
  JsonNode get(String key) {
    return has(key) ? node.get(key) : null;
  }

  /** Returns whether a key is there, be it null. */
  boolean names(String key) {
    asked.add(key);
    return node.has(key);
  }

  /** Returns an integer of at least 1 that must be there. */
  int size(String key) {
    if (!names(key)) {
      throw new CheckpointException("expected the key " + key + " in " + where + ", got none");
    }
    return size(key, 0);
  }

  /** Returns an integer of at least 1, or what it is where there is no such key. */
  int size(String key, int otherwise) {
    int value = integer(key, otherwise);
    if (names(key) && value < 1) {
      throw bad(key, "an integer >= 1");
    }
    return value;
  }

  /** Returns an integer of at least 1, or what it is where there is no such key or null. */
  int sizeOrNull(String key, int otherwise) {
    return isNull(key) ? otherwise : size(key, otherwise);
  }

  /** Returns an integer, or what it is where there is no such key. */
  int integer(String key, int otherwise) {
    if (!names(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    boolean whole = value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue());
    if (!whole || Math.abs(value.doubleValue()) > Integer.MAX_VALUE) {
      throw bad(key, "an integer");
    }
    return (int) value.doubleValue();
  }

  /** Returns a finite number greater than 0, or what it is where there is no such key. */
  double positive(String key, double otherwise) {
    if (!names(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
      throw bad(key, "a number > 0");
    }
    return value.doubleValue();
  }

  /**
   * Returns a truth value, or what it is where there is no such key. Null is false, as in Python.
   */
  boolean flag(String key, boolean otherwise) {
    if (!names(key)) {
      return otherwise;
    }
    if (!node.get(key).isBoolean() && !isNull(key)) {
      throw bad(key, "true or false");
    }
    return node.get(key).booleanValue();
  }

  /** Returns a text, or what it is where there is no such key. */
  String text(String key, String otherwise) {
    if (!names(key)) {
      return otherwise;
    }
    if (!node.get(key).isTextual()) {
      throw bad(key, "a text");
    }
    return node.get(key).textValue();
  }

  /** Returns a text, or what it is where there is no such key or null. */
  String textOrNull(String key, String otherwise) {
    return isNull(key) ? otherwise : text(key, otherwise);
  }

  /** Refuses a key that changes the mathematics in a way that is not built. */
  void refuse(String key, boolean refused, String built) {
    if (refused) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "%s has %s = %s, which is not supported: expected %s",
              where,
              key,
              Json.shown(node.get(key)),
              built));
    }
  }

  /** Refuses every key but some, unless it is null. */
  void refuseAllBut(Set<String> known) {
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (!known.contains(entry.getKey()) && !entry.getValue().isNull()) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected no keys but %s in %s, got %s = %s",
                String.join(", ", new TreeSet<>(known)),
                where,
                Shown.name(entry.getKey()),
                Json.shown(entry.getValue())));
      }
    }
  }

  /** Returns the entries of keys that nobody has asked for so far. */
  Map<String, JsonNode> rest() {
    Map<String, JsonNode> rest = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (!asked.contains(entry.getKey())) {
        rest.put(entry.getKey(), entry.getValue());
      }
    }
    return rest;
  }

  CheckpointException bad(String key, String expected) {
    return new CheckpointException(
        String.format(
            Locale.ROOT,
            "expected %s for %s in %s, got %s",
            expected,
            key,
            where,
            Json.shown(node.get(key))));
  }

  public String where() {
    return where;
  }

  /** Returns a number of layers, if it is one that a model may have. */
  int layers(String key, int layers) {
    if (layers > MOST_LAYERS) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected at most %d layers in %s, got %s = %d",
              MOST_LAYERS,
              where(),
              key,
              layers));
    }
    return layers;
  }
}
