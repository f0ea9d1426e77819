package org.retention4j.langchain4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.Json;

/**
 * The chat template of a model's folder, in Jinja, as Hugging Face's libraries evaluate it: blocks
 * take the line's end behind them and the blanks before them away; {@code messages}, {@code
 * add_generation_prompt}, the names of special tokens and {@code raise_exception} are there.
 */
final class FolderTemplate implements ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String KEY = "chat_template";

  /** A longer prompt is refused. */
  private static final long MOST_CHARS = 1 << 24;

  /** A loop over some of its items: Jinjava would go over all of them. */
  private static final Pattern PICKING_LOOP =
      Pattern.compile(
          "(?s)\\{%-?\\s*for\\s(?:(?!%}|\\selse\\s).)*\\sif\\s(?:(?!%}|\\selse\\s).)*%}");

  private final Path folder;
  private final String template;
  private final Map<String, String> tokens;
  private final Jinjava jinja;

  private FolderTemplate(Path folder, String template, Map<String, String> tokens) {
    this.folder = folder;
    this.template = template;
    this.tokens = tokens;
    jinja =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withMaxOutputSize(MOST_CHARS)
                .build());
    jinja
        .getGlobalContext()
        .registerFunction(
            new ELFunctionDefinition(
                "", "raise_exception", FolderTemplate.class, "refuse", String.class));
  }

  /** Called by templates. */
  public static void refuse(String message) {
    throw new IllegalArgumentException(message);
  }

  /** Returns the template of a folder, if it has one. */
  static Optional<ChatTemplate> find(Path folder) {
    Path config = folder.resolve(CONFIG);
    JsonNode json = Files.isRegularFile(config) ? Json.configuration(config) : null;
    Optional<String> text = text(folder, json);
    Matcher loop = PICKING_LOOP.matcher(text.orElse(""));
    if (loop.find()) {
      throw new IllegalArgumentException(
          "expected a chat template whose loops have no condition of their own, got "
              + Shown.name(loop.group())
              + " in that of "
              + folder);
    }
    return text.map(own -> new FolderTemplate(folder, own, tokens(json)));
  }

  private static Optional<String> text(Path folder, JsonNode json) {
    Path file = folder.resolve(FILE);
    if (Files.isRegularFile(file)) {
      try {
        return Optional.of(Files.readString(file));
      } catch (IOException e) {
        throw new IllegalArgumentException("cannot read " + file + ": " + Shown.reason(e), e);
      }
    }
    JsonNode template = json == null ? null : json.get(KEY);
    if (template == null || template.isNull()) {
      return Optional.empty();
    }
    if (template.isTextual()) {
      return Optional.of(template.textValue());
    }
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return Optional.of(named.get("template").textValue());
      }
    }
    throw new IllegalArgumentException(
        "expected in "
            + folder.resolve(CONFIG)
            + " a "
            + KEY
            + " as text, or several of which one"
            + " is named default, got "
            + Json.shown(template));
  }

  /** A token stands there as its text, or as an object with that. */
  private static Map<String, String> tokens(JsonNode json) {
    Map<String, String> tokens = new HashMap<>();
    for (String name : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
      JsonNode token = json == null ? null : json.get(name);
      if (token != null && token.isObject()) {
        token = token.get("content");
      }
      if (token != null && token.isTextual()) {
        tokens.put(name, token.textValue());
      }
    }
    return tokens;
  }

  private static Map<String, String> message(ChatMessage message) {
    String role =
        message instanceof SystemMessage
            ? "system"
            : message instanceof AiMessage ? "assistant" : "user";
    return Map.of("role", role, "content", ChatTemplate.text(message));
  }

  @Override
  public String prompt(List<ChatMessage> messages) {
    Map<String, Object> names = new HashMap<>(tokens);
    names.put("messages", messages.stream().map(FolderTemplate::message).toList());
    names.put("add_generation_prompt", true);
    RenderResult result = jinja.renderForResult(template, names);
    if (result.hasErrors()) {
      throw new IllegalArgumentException(
          "the chat template of "
              + folder
              + " cannot be evaluated for these messages: "
              + reason(result.getErrors().get(0)));
    }
    return result.getOutput();
  }

  /** Returns what the template itself said, or what cannot be evaluated. */
  private static String reason(TemplateError error) {
    Throwable cause = error.getException();
    while (cause != null && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return Shown.message(String.valueOf(cause == null ? error.getMessage() : cause.getMessage()));
  }

  @Override
  public boolean marksBeginnings() {
    return true;
  }
}
