package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.retention4j.generate.Generation;
import org.retention4j.text.Tokenizer;

/** One choice of an answer, or a piece of it: text and log-probabilities since it was written. */
final class Choice {
  private final int index;
  private final boolean scored;
  private final Texts texts;
  private final StringBuilder text = new StringBuilder();
  private ObjectNode scores;
  private int offset;

  Choice(int index, boolean scored, Texts texts) {
    this.index = index;
    this.scored = scored;
    this.texts = texts;
    begin();
  }

  private void begin() {
    scores = JsonNodeFactory.instance.objectNode();
    for (String name :
        new String[] {"tokens", "token_ids", "token_logprobs", "top_logprobs", "text_offset"}) {
      scores.putArray(name);
    }
  }

  void add(Event.Token token) {
    if (scored) {
      int id = token.chosen().token();
      list("tokens").add(texts.of(id));
      list("token_ids").add(id);
      list("token_logprobs").add(token.chosen().logProbability());
      list("text_offset").add(offset);
      ObjectNode top = list("top_logprobs").addObject();
      for (Event.Scored each : token.likeliest()) {
        // Excluded tokens have no finite number, which JSON could not write.
        if (Double.isFinite(each.logProbability())) {
          top.put(texts.of(each.token()), each.logProbability());
        }
      }
    }
    add(token.text());
  }

  void add(String more) {
    text.append(more);
    offset += more.length();
  }

  private ArrayNode list(String name) {
    return (ArrayNode) scores.get(name);
  }

  /** Returns whether there is something to send. */
  boolean hasNews() {
    return !text.isEmpty() || !list("token_ids").isEmpty();
  }

  /** Writes what there is since the last time; the end is null while it goes on. */
  ObjectNode write(Generation.End end) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("text", text.toString());
    json.put("index", index);
    json.set("logprobs", scored ? scores : json.nullNode());
    json.put("finish_reason", end == null ? null : reason(end));
    text.setLength(0);
    begin();
    return json;
  }

  static String reason(Generation.End end) {
    return switch (end) {
      case STOP_TOKEN, STOP_STRING -> "stop";
      case MAX_TOKENS, CACHE_FULL -> "length";
      case CANCELLED -> "cancelled";
    };
  }

  /** How single tokens are written in log-probabilities. */
  static final class Texts {
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;
    private final Map<Integer, String> special = new ConcurrentHashMap<>();

    Texts(Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
      tokenizer.specialTokens().forEach((text, token) -> special.put(token, text));
    }

    /** Returns its text, or its number where it has none by itself, as a part of a character. */
    String of(int token) {
      String name = special.get(token);
      if (name != null) {
        return name;
      }
      String text = tokenizer.decode(new int[] {token});
      return text.isEmpty() || text.indexOf(REPLACEMENT) >= 0 ? "token_id:" + token : text;
    }
  }
}
