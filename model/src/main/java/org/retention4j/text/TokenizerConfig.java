package org.retention4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.text.internal.json.Surroundings;

/**
 * What tokenizer_config.json says of the tokens around a text. Which of both files counts where
 * they differ depends on the class of tokenizer and on the version of Hugging Face's library; here
 * it is tokenizer.json, and a difference is said.
 */
final class TokenizerConfig {
  private static final String FILE = "tokenizer_config.json";

  private TokenizerConfig() {}

  /** Returns where it differs from what a tokenizer does, in words, by file and key. */
  static List<String> differences(Path folder, Surroundings around) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return List.of();
    }
    JsonNode json;
    try {
      json = Json.configuration(file);
    } catch (CheckpointException e) {
      return List.of(e.getMessage() + "; its add_bos_token and add_eos_token are not known");
    }
    List<String> differences = new ArrayList<>();
    compare(differences, file, json, "bos_token", "begins", around.before());
    compare(differences, file, json, "eos_token", "ends", around.after());
    return differences;
  }

  private static void compare(
      List<String> differences,
      Path file,
      JsonNode json,
      String name,
      String does,
      List<String> tokens) {
    JsonNode asked = json.path("add_" + name);
    JsonNode token =
        json.path(name).path("content").isTextual()
            ? json.path(name).path("content")
            : json.path(name);
    boolean added = token.isTextual() ? tokens.contains(token.textValue()) : !tokens.isEmpty();
    if (asked.isBoolean() && asked.booleanValue() != added) {
      differences.add(
          String.format(
              Locale.ROOT,
              "%s has add_%s = %s%s, but tokenizer.json beside it %s a text with %s: texts are"
                  + " tokenized as tokenizer.json says",
              file,
              name,
              asked,
              token.isTextual() ? ", which is " + Shown.name(token.textValue()) : "",
              does,
              tokens.isEmpty() ? "nothing" : Shown.name(String.join(" ", tokens))));
    }
  }
}
