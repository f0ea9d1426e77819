package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.Json;

/** The fields of a request's body: null says as little as a field that is not there. */
final class Fields {
  private final ObjectNode json;

  Fields(ObjectNode json) {
    this.json = json;
  }

  /** Refuses fields that are not known, which may be slips of the pen. */
  void requireKnown(Set<String> known) {
    Set<String> others = new TreeSet<>();
    json.fieldNames().forEachRemaining(others::add);
    others.removeAll(known);
    if (!others.isEmpty()) {
      String first = others.iterator().next();
      throw HttpFailure.field(
          Shown.name(first),
          "expected fields among " + new TreeSet<>(known) + ", got " + Shown.name(first));
    }
  }

  /** Refuses fields of which only the value that changes nothing is supported. */
  void requireNeutral(Map<String, String> neutral) {
    neutral.forEach(
        (name, value) -> {
          JsonNode given = get(name);
          if (given == null || given.toString().equals(value)) {
            return;
          }
          boolean zero = given.isNumber() && value.equals("0") && given.doubleValue() == 0;
          if (!zero) {
            throw wrong(name, name + " of " + value + ", or none: it is not supported", given);
          }
        });
  }

  private static HttpFailure wrong(String name, String expected, JsonNode got) {
    return HttpFailure.field(name, "expected " + expected + ", got " + Json.shown(got));
  }

  /** Returns a value; null for none. */
  JsonNode get(String name) {
    JsonNode value = json.get(name);
    return value == null || value.isNull() ? null : value;
  }

  Optional<String> text(String name) {
    JsonNode value = get(name);
    if (value != null && !value.isTextual()) {
      throw wrong(name, name + " to be a text", value);
    }
    return Optional.ofNullable(value).map(JsonNode::textValue);
  }

  boolean flag(String name) {
    JsonNode value = get(name);
    if (value != null && !value.isBoolean()) {
      throw wrong(name, name + " to be true or false", value);
    }
    return value != null && value.booleanValue();
  }

  int integer(String name, int byDefault, int from, int to) {
    JsonNode value = get(name);
    if (value == null) {
      return byDefault;
    }
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.intValue() < from
        || value.intValue() > to) {
      throw wrong(name, String.format(Locale.ROOT, "%s in %d..%d", name, from, to), value);
    }
    return value.intValue();
  }

  OptionalLong wholeNumber(String name) {
    JsonNode value = get(name);
    if (value == null) {
      return OptionalLong.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw wrong(name, name + " to be a whole number of 64 bits", value);
    }
    return OptionalLong.of(value.longValue());
  }

  /** Returns where something may stand. */
  OptionalLong position(String name) {
    OptionalLong value = wholeNumber(name);
    if (value.isPresent() && value.getAsLong() < 0) {
      throw wrong(name, name + " >= 0", get(name));
    }
    return value;
  }

  /** Returns a number in (from, to], or [from, to]. */
  double number(String name, double byDefault, double from, boolean open, double to) {
    JsonNode value = get(name);
    if (value == null) {
      return byDefault;
    }
    double number = value.doubleValue();
    // Written as what must hold, so that NaN fails too.
    boolean fits = number >= from && number <= to && !(open && number == from);
    if (!value.isNumber() || !fits) {
      throw wrong(name, name + " in " + (open ? "(" : "[") + from + ", " + to + "]", value);
    }
    return number;
  }

  /** Returns texts, of which one may stand alone. */
  List<String> texts(String name, int most) {
    JsonNode value = get(name);
    if (value == null) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    if (value.isTextual()) {
      texts.add(value.textValue());
    }
    boolean fits = value.isTextual() || (value.isArray() && value.size() <= most);
    if (fits && value.isArray()) {
      for (JsonNode each : value) {
        fits &= each.isTextual();
        texts.add(each.asText());
      }
    }
    if (!fits || texts.contains("")) {
      throw wrong(name, name + " to be a text, or up to " + most + " of them, none empty", value);
    }
    return texts;
  }

  Fields object(String name) {
    JsonNode value = get(name);
    if (value != null && !value.isObject()) {
      throw wrong(name, name + " to be an object", value);
    }
    return new Fields(value == null ? json.objectNode() : (ObjectNode) value);
  }

  /** Returns tokens where a list of numbers stands; empty where something else does. */
  Optional<int[]> tokens(String name, int vocabulary) {
    JsonNode value = get(name);
    if (value == null || !value.isArray()) {
      return Optional.empty();
    }
    int[] tokens = new int[value.size()];
    for (int i = 0; i < tokens.length; i++) {
      JsonNode each = value.get(i);
      if (!each.isIntegralNumber()
          || !each.canConvertToInt()
          || each.intValue() < 0
          || each.intValue() >= vocabulary) {
        String expected =
            String.format(
                Locale.ROOT, "%s to be a text or a list of tokens in 0..%d", name, vocabulary - 1);
        throw HttpFailure.field(
            name, "expected " + expected + ", got " + Json.shown(each) + " at place " + i);
      }
      tokens[i] = each.intValue();
    }
    return Optional.of(tokens);
  }
}
