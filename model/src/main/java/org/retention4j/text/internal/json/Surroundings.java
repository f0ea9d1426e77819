package org.retention4j.text.internal.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens that a tokenizer puts around a text.
 *
 * @param before the texts of those that begin it
 * @param after the texts of those that end it
 * @since 0.1
 */
public record Surroundings(List<String> before, List<String> after) {
  /** Copies both. */
  public Surroundings {
    before = List.copyOf(before);
    after = List.copyOf(after);
  }

  /** Returns those that a post-processor adds, which was checked; null adds none. */
  static Surroundings of(JsonNode processor) {
    List<String> before = new ArrayList<>();
    List<String> after = new ArrayList<>();
    collect(processor, before, after);
    return new Surroundings(before, after);
  }

  private static void collect(JsonNode processor, List<String> before, List<String> after) {
    switch (processor.path("type").asText()) {
      case "BertProcessing", "RobertaProcessing" -> {
        before.add(processor.get("cls").get(0).textValue());
        after.add(processor.get("sep").get(0).textValue());
      }
      case "TemplateProcessing" -> {
        List<String> pending = before;
        for (JsonNode piece : processor.get("single")) {
          if (piece.hasNonNull("Sequence")) {
            pending = after;
            after.clear();
          } else {
            String name = piece.get("SpecialToken").get("id").textValue();
            for (JsonNode token : processor.get("special_tokens").get(name).get("tokens")) {
              pending.add(token.textValue());
            }
          }
        }
      }
      case "Sequence" ->
          processor.get("processors").forEach(inner -> collect(inner, before, after));
      default -> {}
    }
  }
}
