package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.UUID;
import org.retention4j.generate.Generation;

/** The answer to a completion: whole, or as server-sent events. */
final class CompletionAnswer implements Output {
  private final Answer answer;
  private final CompletionRequest request;
  private final String model;
  private final Choice[] choices;
  private final Generation[] ended;
  private int cached;
  private final String id = "cmpl-" + UUID.randomUUID().toString().replace("-", "");
  private final long created = Instant.now().getEpochSecond();

  CompletionAnswer(Answer answer, CompletionRequest request, String model, Choice.Texts texts) {
    this.answer = answer;
    this.request = request;
    this.model = model;
    choices = new Choice[request.n()];
    ended = new Generation[request.n()];
    for (int i = 0; i < choices.length; i++) {
      choices[i] = new Choice(i, request.alternatives() >= 0, texts);
    }
  }

  @Override
  public void alive() {
    if (request.stream()) {
      answer.event(": working");
    } else {
      answer.alive();
    }
  }

  @Override
  public void take(Event.Token token) {
    Choice choice = choices[token.choice()];
    choice.add(token);
    if (request.stream() && choice.hasNews()) {
      send(choice.write(null));
    }
  }

  @Override
  public void take(Event.End end) {
    choices[end.choice()].add(end.rest());
    ended[end.choice()] = end.generation();
    if (request.stream()) {
      send(choices[end.choice()].write(end.generation().end()));
    }
  }

  private void send(ObjectNode choice) {
    ObjectNode json = head();
    json.putArray("choices").add(choice);
    if (request.usage()) {
      json.putNull("usage");
    }
    answer.event("data: " + json);
  }

  private ObjectNode head() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("id", id);
    json.put("object", "text_completion");
    json.put("created", created);
    json.put("model", model);
    return json;
  }

  private ObjectNode usage() {
    int tokens = 0;
    for (Generation each : ended) {
      tokens += each.tokens().size();
    }
    ObjectNode usage = JsonNodeFactory.instance.objectNode();
    usage.put("prompt_tokens", request.prompt().length);
    usage.put("completion_tokens", tokens);
    usage.put("total_tokens", request.prompt().length + tokens);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cached);
    return usage;
  }

  @Override
  public void cached(int tokens) {
    cached = tokens;
  }

  @Override
  public void end(ObjectNode session) {
    if (request.stream()) {
      if (request.usage() || session != null) {
        ObjectNode last = head();
        last.putArray("choices");
        last.set("usage", usage());
        if (session != null) {
          last.set("session", session);
        }
        answer.event("data: " + last);
      }
      answer.event("data: [DONE]");
      answer.end();
      return;
    }
    ObjectNode json = head();
    ArrayNode all = json.putArray("choices");
    for (int i = 0; i < choices.length; i++) {
      all.add(choices[i].write(ended[i].end()));
    }
    json.set("usage", usage());
    if (session != null) {
      json.set("session", session);
    }
    answer.last(json);
  }
}
