package org.retention4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Seeded damage to a tokenizer.json: to its values, and to its bytes. */
final class TokenizerDamage {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Most containers of a file are the pairs of its vocabulary: the first are the others. */
  private static final int FIRST_CONTAINERS = 40;

  private final SplittableRandom random;
  private final StringBuilder told = new StringBuilder();
  private List<String> texts = List.of("");

  TokenizerDamage(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Returns what was done, in words. */
  String told() {
    return told.toString();
  }

  /** Returns texts of the damaged file, its keys among them. */
  List<String> texts() {
    return texts;
  }

  /** Returns a damaged copy; one in many is whole. */
  byte[] damaged(byte[] file) throws IOException {
    JsonNode root = MAPPER.readTree(file);
    TreeSet<String> all = new TreeSet<>();
    collectTexts(root, all);
    texts = List.copyOf(all);
    switch (random.nextInt(8)) {
      case 0 -> {
        int length = random.nextInt(file.length);
        told.append("cut to ").append(length);
        return Arrays.copyOf(file, length);
      }
      case 1 -> {
        return flipped(file);
      }
      default -> {
        int times = random.nextInt(4);
        for (int i = 0; i < times; i++) {
          damageValue(root);
        }
      }
    }
    String json = root.toString();
    if (random.nextInt(16) == 0) {
      told.append("a key twice");
      json = "{\"decoder\":null," + json.substring(1);
    }
    return json.getBytes(StandardCharsets.UTF_8);
  }

  private byte[] flipped(byte[] file) {
    byte[] bytes = file.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(bytes.length);
      int bit = 1 << random.nextInt(8);
      told.append("flip ").append(bit).append(" at ").append(at).append("; ");
      bytes[at] ^= (byte) bit;
    }
    return bytes;
  }

  private void damageValue(JsonNode root) {
    List<JsonNode> containers = new ArrayList<>();
    collectContainers(root, containers);
    int some = random.nextInt(3) == 0 ? containers.size() : FIRST_CONTAINERS;
    JsonNode chosen = containers.get(random.nextInt(Math.min(some, containers.size())));
    if (chosen instanceof ObjectNode object) {
      damage(object, containers);
    } else {
      damage((ArrayNode) chosen, containers);
    }
  }

  private void damage(ObjectNode object, List<JsonNode> containers) {
    List<String> keys = new ArrayList<>();
    object.fieldNames().forEachRemaining(keys::add);
    String key = keys.get(random.nextInt(keys.size()));
    JsonNode value;
    switch (random.nextInt(6)) {
      case 0 -> {
        told.append("remove ").append(key).append("; ");
        object.remove(key);
        return;
      }
      case 1 -> {
        String name = random.nextBoolean() ? key + "x" : text();
        told.append("rename ").append(key).append(" to ").append(name).append("; ");
        object.set(name, object.remove(key));
        return;
      }
      case 2 -> value = containers.get(random.nextInt(containers.size())).deepCopy();
      case 3 -> value = changed(object.get(key));
      default -> value = junk();
    }
    told.append("set ").append(key).append(" to ").append(shown(value)).append("; ");
    object.set(key, value);
  }

  private void damage(ArrayNode array, List<JsonNode> containers) {
    int index = random.nextInt(array.size());
    JsonNode value;
    switch (random.nextInt(6)) {
      case 0 -> {
        told.append("remove [").append(index).append("]; ");
        array.remove(index);
        return;
      }
      case 1 -> {
        told.append("cut the list at ").append(index).append("; ");
        while (array.size() > index) {
          array.remove(index);
        }
        return;
      }
      case 2 -> {
        told.append("double [").append(index).append("]; ");
        array.insert(index, array.get(index).deepCopy());
        return;
      }
      case 3 -> value = containers.get(random.nextInt(containers.size())).deepCopy();
      case 4 -> value = changed(array.get(index));
      default -> value = junk();
    }
    told.append("set [").append(index).append("] to ").append(shown(value)).append("; ");
    array.set(index, value);
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.substring(0, Math.min(60, text.length()));
  }

  /** Returns a value of the same kind. */
  private JsonNode changed(JsonNode value) {
    if (value.isTextual()) {
      return TextNode.valueOf(text());
    }
    if (value.isInt()) {
      return IntNode.valueOf(value.intValue() + random.nextInt(-3, 4));
    }
    return value.isBoolean() ? BooleanNode.valueOf(!value.booleanValue()) : junk();
  }

  private String text() {
    return texts.get(random.nextInt(texts.size()));
  }

  private JsonNode junk() {
    return switch (random.nextInt(14)) {
      case 0 -> NullNode.instance;
      case 1 -> BooleanNode.TRUE;
      case 2 -> BooleanNode.FALSE;
      case 3 -> IntNode.valueOf(random.nextInt(300));
      case 4 -> IntNode.valueOf(0);
      case 5 -> IntNode.valueOf(-1 - random.nextInt(5));
      case 6 -> LongNode.valueOf(random.nextLong());
      case 7 -> LongNode.valueOf(0xFFFFFFFFL);
      case 8 -> DoubleNode.valueOf(1000 * random.nextDouble());
      case 9 -> DoubleNode.valueOf(1e300);
      case 10 -> TextNode.valueOf("");
      case 11 -> TextNode.valueOf(" ");
      case 12 -> JsonNodeFactory.instance.arrayNode();
      default -> JsonNodeFactory.instance.objectNode();
    };
  }

  private static void collectTexts(JsonNode node, TreeSet<String> all) {
    if (node.isTextual()) {
      all.add(node.textValue());
    }
    node.fieldNames().forEachRemaining(all::add);
    node.forEach(child -> collectTexts(child, all));
  }

  private static void collectContainers(JsonNode node, List<JsonNode> all) {
    if (node.isContainerNode() && !node.isEmpty()) {
      all.add(node);
    }
    node.forEach(child -> collectContainers(child, all));
  }
}
