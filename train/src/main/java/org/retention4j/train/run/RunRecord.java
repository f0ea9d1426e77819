package org.retention4j.train.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/**
 * trainer.json: how far a run had come, and of what.
 *
 * @param step steps so far
 * @param tokens tokens so far
 * @param position of the source of batches
 * @param seconds of training so far
 * @param fallsFrom behind which step the rate falls, where that was decided on the way
 * @param guard what the guard has seen
 * @param bestStep the step at which the held-out text was best predicted, −1 for none yet
 * @param best bits for each byte of it then
 * @param options all that the weights depend on
 * @param dataSha256 of the text
 */
record RunRecord(
    long step,
    long tokens,
    long position,
    double seconds,
    OptionalLong fallsFrom,
    DivergenceGuard.Memory guard,
    long bestStep,
    double best,
    ObjectNode options,
    String dataSha256) {
  private static final int VERSION = 1;

  /** What options are that are not written, as before there was another choice. */
  private static final Map<String, String> UNSAID =
      Map.of("optimizer", "adamw", "bf16_products", "false");

  ObjectNode toJson() {
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("version", VERSION);
    json.put("step", step);
    json.put("tokens", tokens);
    json.put("position", position);
    json.put("seconds", seconds);
    fallsFrom.ifPresent(from -> json.put("falls_from", from));
    ObjectNode watch = json.putObject("guard");
    watch.put("count", guard.count());
    watch.put("sum", guard.sum());
    watch.put("weight", guard.weight());
    put(watch, "lowest", guard.lowest());
    json.put("best_step", bestStep);
    put(json, "best_bits_per_byte", best);
    json.set("options", options);
    json.put("options_sha256", sha256(options));
    json.put("data_sha256", dataSha256);
    return json;
  }

  /** A number that JSON does not have is left out. */
  private static void put(ObjectNode json, String key, double value) {
    if (Double.isFinite(value)) {
      json.put(key, value);
    }
  }

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it is none of this version, or damaged
   */
  static RunRecord read(Path file) {
    JsonNode json = Json.configuration(file);
    if (json.path("version").asInt() != VERSION) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected version %d of a run's record in %s, got %s",
              VERSION,
              file,
              Json.shown(json.get("version"))));
    }
    JsonNode guard = require(json, "guard", file);
    JsonNode options = require(json, "options", file);
    String sum = require(json, "options_sha256", file).asText();
    if (!options.isObject() || !sha256(options).equals(sum)) {
      throw new CheckpointException(
          "expected options that give their sha256 in " + file + ", got others: it was changed");
    }
    return new RunRecord(
        require(json, "step", file).asLong(),
        require(json, "tokens", file).asLong(),
        require(json, "position", file).asLong(),
        require(json, "seconds", file).asDouble(),
        json.has("falls_from")
            ? OptionalLong.of(json.get("falls_from").asLong())
            : OptionalLong.empty(),
        new DivergenceGuard.Memory(
            require(guard, "count", file).asLong(),
            require(guard, "sum", file).asDouble(),
            require(guard, "weight", file).asDouble(),
            guard.path("lowest").asDouble(Double.POSITIVE_INFINITY)),
        require(json, "best_step", file).asLong(),
        json.path("best_bits_per_byte").asDouble(Double.POSITIVE_INFINITY),
        (ObjectNode) options,
        require(json, "data_sha256", file).asText());
  }

  private static JsonNode require(JsonNode json, String key, Path file) {
    JsonNode value = json.get(key);
    if (value == null || value.isNull()) {
      throw new CheckpointException("expected " + key + " in " + file + ", got none");
    }
    return value;
  }

  /**
   * Refuses to go on with what is not the same.
   *
   * @throws IllegalArgumentException naming what differs first
   */
  void requireSame(ObjectNode given, String givenSha256, Path folder) {
    Set<String> keys = new LinkedHashSet<>();
    for (JsonNode node : new JsonNode[] {options, given}) {
      for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
        keys.add(names.next());
      }
    }
    for (String key : keys) {
      String expected = text(key, options.get(key));
      String got = text(key, given.get(key));
      if (!expected.equals(got)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected the options of the run in %s, %s of %s, got %s; another run needs another"
                    + " folder",
                folder,
                key,
                Shown.name(expected),
                Shown.name(got)));
      }
    }
    if (!dataSha256.equals(givenSha256)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected the text of the run in %s, of sha256 %s, got one of %s: it has changed, or"
                  + " is another; another run needs another folder",
              folder,
              dataSha256,
              givenSha256));
    }
  }

  private static String text(String key, JsonNode value) {
    if (value == null) {
      return UNSAID.getOrDefault(key, "none");
    }
    return value.isTextual() ? value.textValue() : value.toString();
  }

  private static String sha256(JsonNode json) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(digest.digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
