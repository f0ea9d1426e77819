package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.batch.BatchOptions;
import org.retention4j.generate.Generation;
import org.retention4j.text.SamplingOptions;

/** Completions against what the generator gives alone. */
class CompletionsTest extends ServerFixture {
  private Client client;

  @BeforeEach
  void startServer() {
    client = client(OPTIONS);
  }

  private static String body(String rest) {
    return "{\"model\":\"tiny\",\"prompt\":\"It is a truth\"," + rest + "}";
  }

  private static List<Integer> ids(JsonNode choice) {
    List<Integer> ids = new ArrayList<>();
    choice.at("/logprobs/token_ids").forEach(id -> ids.add(id.intValue()));
    return ids;
  }

  @Test
  void continuesAPromptAsTheGeneratorDoes() {
    Generation alone = alone(TOKENIZER.encode("It is a truth"), 20, SamplingOptions.DEFAULT);
    JsonNode json =
        client.ok("/v1/completions", body("\"max_tokens\":20,\"temperature\":0,\"logprobs\":2"));
    JsonNode choice = json.at("/choices/0");
    assertThat(choice.get("text").textValue()).isEqualTo(alone.text());
    assertThat(ids(choice)).isEqualTo(alone.tokens());
    assertThat(choice.get("finish_reason").textValue()).isEqualTo("length");
    assertThat(json.get("object").textValue()).isEqualTo("text_completion");
    assertThat(json.get("model").textValue()).isEqualTo("tiny");
    assertThat(json.at("/usage/prompt_tokens").intValue()).isEqualTo(13);
    assertThat(json.at("/usage/completion_tokens").intValue()).isEqualTo(20);
    assertThat(json.at("/usage/total_tokens").intValue()).isEqualTo(33);
    for (int i = 0; i < 20; i++) {
      double logprob = choice.at("/logprobs/token_logprobs/" + i).doubleValue();
      assertThat(logprob).isCloseTo(alone.logProbabilities().get(i), within(1e-4));
      JsonNode top = choice.at("/logprobs/top_logprobs/" + i);
      assertThat(top).hasSize(2);
      // Greedy: the chosen one is the likeliest.
      assertThat(top.elements().next().doubleValue()).isCloseTo(logprob, within(1e-6));
    }
    assertThat(choice.at("/logprobs/tokens")).hasSize(20);
    assertThat(choice.at("/logprobs/text_offset/0").intValue()).isZero();
  }

  @Test
  void takesTokensForAPrompt() {
    String rest = ",\"max_tokens\":9,\"temperature\":0}";
    String tokens = json(TOKENIZER.encode("It is a truth"));
    assertThat(client.ok("/v1/completions", "{\"prompt\":" + tokens + rest).at("/choices/0/text"))
        .isEqualTo(
            client
                .ok("/v1/completions", "{\"prompt\":\"It is a truth\"" + rest)
                .at("/choices/0/text"));
    JsonNode empty = client.ok("/v1/completions", "{\"prompt\":\"\"" + rest);
    assertThat(empty.at("/choices/0/text").textValue())
        .isEqualTo(alone(new int[] {1}, 9, SamplingOptions.DEFAULT).text());
  }

  @Test
  void streamsThePiecesOfTheSameText() throws IOException {
    String rest = "\"max_tokens\":40,\"seed\":5,\"temperature\":0.9,\"top_p\":0.9,\"top_k\":50";
    SamplingOptions sampling = new SamplingOptions(0.9, 50, 0.9, 1, 5);
    Generation alone = alone(TOKENIZER.encode("It is a truth"), 40, sampling);
    Client.Reply reply =
        client.post(
            "/v1/completions",
            body(rest + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    assertThat(reply.status()).isEqualTo(200);
    StringBuilder text = new StringBuilder();
    List<JsonNode> events = reply.events();
    for (JsonNode event : events.subList(0, events.size() - 1)) {
      text.append(event.at("/choices/0/text").textValue());
    }
    assertThat(text.toString()).isEqualTo(alone.text());
    assertThat(events.get(events.size() - 2).at("/choices/0/finish_reason").textValue())
        .isEqualTo("length");
    assertThat(events.get(events.size() - 1).at("/usage/completion_tokens").intValue())
        .isEqualTo(40);
    assertThat(client.ok("/v1/completions", body(rest)).at("/choices/0/text").textValue())
        .isEqualTo(alone.text());
  }

  @Test
  void streamsLogProbabilitiesOfEachToken() throws IOException {
    Generation alone = alone(TOKENIZER.encode("It is a truth"), 12, SamplingOptions.DEFAULT);
    Client.Reply reply =
        client.post(
            "/v1/completions",
            body("\"max_tokens\":12,\"temperature\":0,\"logprobs\":0,\"stream\":true"));
    List<Integer> ids = new ArrayList<>();
    for (JsonNode event : reply.events()) {
      ids.addAll(ids(event.at("/choices/0")));
    }
    assertThat(ids).isEqualTo(alone.tokens());
  }

  @Test
  void eachChoiceHasASeedOfItsOwn() {
    String rest = "\"max_tokens\":15,\"seed\":7,\"logprobs\":0,\"n\":";
    JsonNode three = client.ok("/v1/completions", body(rest + 3));
    assertThat(three.get("choices")).hasSize(3);
    for (int i = 0; i < 3; i++) {
      SamplingOptions sampling = new SamplingOptions(1, 0, 1, 1, 7 + i);
      Generation alone = alone(TOKENIZER.encode("It is a truth"), 15, sampling);
      assertThat(three.at("/choices/" + i + "/index").intValue()).isEqualTo(i);
      assertThat(ids(three.at("/choices/" + i))).isEqualTo(alone.tokens());
    }
    assertThat(three.at("/usage/completion_tokens").intValue()).isEqualTo(45);
  }

  @Test
  void endsBeforeAStopString() {
    String whole =
        client
            .ok("/v1/completions", body("\"max_tokens\":60,\"seed\":1"))
            .at("/choices/0/text")
            .textValue();
    String stop = whole.substring(10, 12);
    JsonNode choice =
        client
            .ok(
                "/v1/completions",
                Client.JSON
                    .createObjectNode()
                    .put("prompt", "It is a truth")
                    .put("max_tokens", 60)
                    .put("seed", 1)
                    .put("stop", stop)
                    .toString())
            .at("/choices/0");
    assertThat(choice.get("text").textValue()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(choice.get("finish_reason").textValue()).isEqualTo("stop");
  }

  @Test
  void tellsOfItself() throws InterruptedException {
    assertThat(client.get("/health").json().get("status").textValue()).isEqualTo("ok");
    assertThat(client.get("/v1/models").json().at("/data/0/id").textValue()).isEqualTo("tiny");
    assertThat(client.get("/v1/models/tiny").json().get("id").textValue()).isEqualTo("tiny");
    assertThat(client.get("/v1/models/large").status()).isEqualTo(404);
    client.ok("/v1/completions", body("\"max_tokens\":5"));
    // Figures are those of the last step, which may be counted behind its answer.
    await("counted", () -> client.metric("retention_generated_tokens_total") == 5);
    assertThat(client.metric("retention_prompt_tokens_total")).isEqualTo(13);
    assertThat(client.metric("retention_first_token_seconds_count")).isEqualTo(1);
    String answered = "retention_requests_total{route=\"/v1/completions\",status=\"200\"}";
    await("counted", () -> client.metrics().contains(answered + " 1"));
    Client.Reply page = client.get("/");
    assertThat(page.status()).isEqualTo(200);
    // Self-contained: nothing is loaded from elsewhere.
    assertThat(page.text()).contains("v1/completions").doesNotContain("src=", "href=", "http");
  }

  @Test
  void whatWasReadBeforeIsNotReadAgain() throws IOException {
    BatchOptions cached = OPTIONS.batch().withPrefixBytes(10_000_000);
    Client with = client(OPTIONS.withBatch(cached));
    String prompt = json(text(1, 150));
    String body = "{\"prompt\":" + prompt + ",\"max_tokens\":9,\"temperature\":0";
    JsonNode first = with.ok("/v1/completions", body + "}");
    JsonNode again = with.ok("/v1/completions", body + "}");
    assertThat(cachedTokens(first)).isZero();
    assertThat(cachedTokens(again)).isEqualTo(150);
    assertThat(again.at("/usage/prompt_tokens").intValue()).isEqualTo(150);
    assertThat(again.get("choices")).isEqualTo(first.get("choices"));
    List<JsonNode> events =
        with.post(
                "/v1/completions",
                body + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}")
            .events();
    assertThat(cachedTokens(events.get(events.size() - 1))).isEqualTo(150);
    JsonNode longer =
        with.ok("/v1/completions", body.replace("]", ",7,8]") + ",\"n\":2,\"seed\":3}");
    assertThat(cachedTokens(longer)).isEqualTo(128);
    String family = "retention_prefix_cache_";
    assertThat(with.metric(family + "requests_total{result=\"hit\"}")).isEqualTo(2);
    assertThat(with.metric(family + "requests_total{result=\"partial\"}")).isEqualTo(1);
    assertThat(with.metric(family + "requests_total{result=\"miss\"}")).isEqualTo(1);
    assertThat(with.metric(family + "saved_tokens_total")).isEqualTo(428);
    assertThat(with.metric(family + "evictions_total")).isZero();
    assertThat(with.metric(family + "entries")).isEqualTo(3);
    assertThat(with.metric(family + "bytes")).isPositive();
    assertThat(with.metric("retention_prompt_tokens_total")).isEqualTo(150 + 24);
    // Sessions read what they are given.
    with.ok("/v1/sessions", "{\"name\":\"s\"}");
    JsonNode session = with.ok("/v1/sessions/s/generate", body + "}");
    assertThat(cachedTokens(session)).isZero();
    assertThat(session.at("/choices/0/text")).isEqualTo(first.at("/choices/0/text"));
    assertThat(with.metric(family + "requests_total{result=\"hit\"}")).isEqualTo(2);
    // The fixture's server has none.
    client.ok("/v1/completions", body + "}");
    assertThat(cachedTokens(client.ok("/v1/completions", body + "}"))).isZero();
    assertThat(client.get("/metrics").text()).doesNotContain(family);
    assertThat(ServerOptions.DEFAULT.batch().prefixes().orElseThrow().mostBytes())
        .isEqualTo(256_000_000);
  }

  private static int cachedTokens(JsonNode answer) {
    JsonNode tokens = answer.at("/usage/prompt_tokens_details/cached_tokens");
    assertThat(tokens.isInt()).isTrue();
    return tokens.intValue();
  }

  /** As load balancers ask: the same answer without its body. */
  @Test
  void answersHeadAsGetWithoutABody() throws Exception {
    List<String> warnings = new CopyOnWriteArrayList<>();
    Logger log = Logger.getLogger("com.sun.net.httpserver");
    Handler handler = new Warnings(warnings);
    log.addHandler(handler);
    try {
      for (String path : List.of("/", "/health", "/v1/models", "/v1/models/tiny", "/metrics")) {
        Client.Reply head = client.send("HEAD", path, null);
        assertThat(head.status()).as(path).isEqualTo(200);
        assertThat(head.text()).as(path).isEmpty();
      }
      assertThat(client.send("HEAD", "/v1/completions", null).status()).isEqualTo(405);
      assertThat(client.send("HEAD", "/none", null).status()).isEqualTo(404);
      // The connection is still in step, and the length is that of the body that GET brings.
      assertThat(client.header("HEAD", "/health", "Content-Length"))
          .isEqualTo("" + client.get("/health").text().length());
    } finally {
      log.removeHandler(handler);
    }
    assertThat(warnings).isEmpty();
  }

  private static final class Warnings extends Handler {
    private final List<String> to;

    Warnings(List<String> to) {
      this.to = to;
    }

    @Override
    public void publish(LogRecord one) {
      if (one.getLevel().intValue() >= Level.WARNING.intValue()) {
        to.add(one.getMessage());
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
