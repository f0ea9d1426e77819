package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.retention4j.batch.BatchOptions;

/** What is refused, with which status, and in which words; and that the server goes on. */
class BadRequestsTest extends ServerFixture {
  private static final ServerLimits SMALL =
      new ServerLimits(2000, 50, 100, 2, Duration.ofSeconds(30), 3, 1 << 20, 200);

  /** A body and what is said of it. */
  private record Case(String body, int status, String message) {}

  private static Stream<Case> fields() {
    return Stream.of(
        new Case("", 400, "expected a prompt, got none"),
        new Case("{", 400, "expected JSON in the body, got an end that comes too early"),
        new Case("[1]", 400, "expected an object as body, got [1]"),
        new Case("{\"prompt\":\"a\",\"prompt\":\"b\"}", 400, "the key prompt twice"),
        new Case("{\"prompt\":\"a\"} x", 400, "expected JSON in the body"),
        new Case("{\"prompt\":null}", 400, "expected a prompt, got none"),
        new Case("{\"prompt\":7}", 400, "to be a text or a list of tokens, got 7"),
        new Case("{\"prompt\":{}}", 400, "to be a text or a list of tokens, got {}"),
        new Case("{\"prompt\":[\"a\"]}", 400, "tokens in 0..255, got \"a\" at place 0"),
        new Case("{\"prompt\":[1,256]}", 400, "tokens in 0..255, got 256 at place 1"),
        new Case("{\"prompt\":[-1]}", 400, "tokens in 0..255, got -1 at place 0"),
        new Case("{\"prompt\":[1.5]}", 400, "tokens in 0..255, got 1.5 at place 0"),
        new Case("{\"prompt\":\"" + "a".repeat(51) + "\"}", 400, "of at most 50 tokens, got 51"),
        of("\"max_tokens\":-1", "expected max_tokens in 0..100, got -1"),
        of("\"max_tokens\":101", "expected max_tokens in 0..100, got 101"),
        of("\"max_tokens\":\"9\"", "expected max_tokens in 0..100, got \"9\""),
        of("\"max_tokens\":1.5", "expected max_tokens in 0..100, got 1.5"),
        of("\"max_tokens\":99999999999999", "expected max_tokens in 0..100, got 99999999999999"),
        of("\"temperature\":-0.1", "expected temperature in [0.0, 100.0], got -0.1"),
        of("\"temperature\":NaN", "expected temperature in [0.0, 100.0], got NaN"),
        of("\"temperature\":true", "expected temperature in [0.0, 100.0], got true"),
        of("\"top_p\":0", "expected top_p in (0.0, 1.0], got 0"),
        of("\"top_p\":1.01", "expected top_p in (0.0, 1.0], got 1.01"),
        of("\"top_k\":-1", "expected top_k in 0..2147483647, got -1"),
        of("\"repetition_penalty\":0", "expected repetition_penalty in (0.0, 100.0], got 0"),
        of("\"n\":0", "expected n in 1..2, got 0"),
        of("\"n\":3", "expected n in 1..2, got 3"),
        of("\"best_of\":2", "expected best_of in 1..1, got 2"),
        of("\"logprobs\":-1", "expected logprobs in 0..20, got -1"),
        of("\"logprobs\":true", "expected logprobs in 0..20, got true"),
        of("\"seed\":\"x\"", "expected seed to be a whole number of 64 bits, got \"x\""),
        of("\"seed\":1e30", "expected seed to be a whole number of 64 bits, got 1.0E30"),
        of("\"stop\":7", "expected stop to be a text, or up to 16 of them, none empty, got 7"),
        of("\"stop\":\"\"", "none empty, got \"\""),
        of("\"stop\":[\"a\",1]", "none empty, got [\"a\",1]"),
        of("\"stream\":1", "expected stream to be true or false, got 1"),
        of("\"stream_options\":1", "expected stream_options to be an object, got 1"),
        of("\"stream_options\":{\"x\":1}", "expected fields among [include_usage], got x"),
        of("\"ignore_eos\":0", "expected ignore_eos to be true or false, got 0"),
        of("\"user\":1", "expected user to be a text, got 1"),
        of("\"echo\":true", "expected echo of false, or none: it is not supported, got true"),
        of("\"suffix\":\"x\"", "or none: it is not supported, got \"x\""),
        of("\"logit_bias\":{\"1\":1}", "or none: it is not supported"),
        of("\"presence_penalty\":0.5", "expected presence_penalty of 0, or none"),
        of("\"temprature\":1", "got temprature"),
        new Case("{\"prompt\":\"a\",\"model\":\"gpt\"}", 404, "expected the model tiny, got gpt"),
        new Case(" ".repeat(3000), 413, "expected a body of at most 2000 bytes, got more"));
  }

  private static Case of(String field, String message) {
    return new Case("{\"prompt\":\"a\"," + field + "}", 400, message);
  }

  @Test
  void everyFieldIsChecked() {
    Client client = client(OPTIONS.withLimits(SMALL));
    fields()
        .forEach(
            bad -> {
              Client.Reply reply = client.post("/v1/completions", bad.body());
              assertThat(reply.status())
                  .as("%s: %s", bad.body(), reply.text())
                  .isEqualTo(bad.status());
              assertThat(reply.message()).as(bad.body()).contains(bad.message());
            });
    assertThat(client.ok("/v1/completions", "{\"prompt\":\"a\",\"echo\":false,\"user\":\"u\"}"))
        .isNotEmpty();
    String neutral = "{\"prompt\":\"a\",\"presence_penalty\":0.0,\"logit_bias\":{},\"stop\":null}";
    assertThat(client.ok("/v1/completions", neutral)).isNotEmpty();
  }

  @Test
  void pathsAndMethodsAreChecked() {
    Client client = client(OPTIONS.withLimits(SMALL));
    for (String path :
        List.of("/v2", "/v1", "/v1/", "/v1/chat", "/x", "/v1/completions/1", "/v1/sessions/a/b")) {
      assertThat(client.post(path, "{}").status()).as(path).isEqualTo(404);
    }
    assertThat(client.get("/v1/completions").message()).isEqualTo("expected POST, got GET");
    assertThat(client.get("/v1/completions").status()).isEqualTo(405);
    assertThat(client.post("/health", "{}").status()).isEqualTo(405);
    assertThat(client.post("/v1/models", "{}").status()).isEqualTo(405);
    assertThat(client.send("PUT", "/v1/sessions", "{}").message())
        .isEqualTo("expected GET or POST, got PUT");
  }

  @Test
  void whoHasNoKeyIsRefused() {
    Client client = client(OPTIONS.withApiKey("secret"));
    for (String path : List.of("/v1/models", "/v1/sessions", "/metrics", "/v1/nothing")) {
      assertThat(client.get(path).status()).as(path).isEqualTo(401);
    }
    assertThat(client.send("GET", "/v1/models", null, "Authorization", "Bearer secre").message())
        .isEqualTo(
            "expected the header 'Authorization: Bearer KEY' with this server's key, got another");
    assertThat(client.send("GET", "/v1/models", null, "Authorization", "Bearer secret").status())
        .isEqualTo(200);
    assertThat(client.get("/health").status()).isEqualTo(200);
    assertThat(client.get("/").status()).isEqualTo(200);
  }

  @Test
  void pagesOfOtherSitesAreRefused() throws IOException {
    RetentionServer server = server(OPTIONS);
    int port = server.address().getPort();
    Client client = new Client(port);
    assertThat(client.send("GET", "/v1/models", null, "Origin", "http://evil.example").status())
        .isEqualTo(403);
    String own = "http://127.0.0.1:" + port;
    assertThat(client.send("GET", "/v1/models", null, "Origin", own).status()).isEqualTo(200);
    assertThat(
            raw(port, "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 403")
        .contains("expected a host among [127.0.0.1, [::1], localhost]", "got evil.example");
    assertThat(raw(port, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 200");
  }

  /** A name of another site may lead to this server, for a page of that site to read from it. */
  @Test
  void hostsAreChecked() throws IOException {
    Set<String> proxy = Set.of("talks.example.org");
    int plain = port(OPTIONS);
    int local = port(OPTIONS.withHosts(proxy));
    ServerOptions everywhere = OPTIONS.withAddress("0.0.0.0", 0);
    int open = port(everywhere);
    int keyed = port(everywhere.withApiKey("secret"));
    int proxied = port(everywhere.withApiKey("secret").withHosts(proxy));
    List<String> own = List.of("localhost", "LocalHost:80", "127.0.0.1:8080", "[::1]", "[::1]:80");
    List<String> addresses = List.of("192.168.1.7:8080", "[fe80::1]:8080");
    List<String> foreign =
        List.of("evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "", "1.2");
    hosts(plain, 200, own);
    hosts(plain, 403, addresses, foreign, List.of("talks.example.org"));
    hosts(local, 200, own, List.of("Talks.example.org:443"));
    hosts(local, 403, addresses, foreign);
    hosts(open, 200, own, addresses);
    hosts(open, 403, foreign);
    hosts(keyed, 200, own, addresses, List.of("anything.example"));
    hosts(proxied, 200, own, addresses, List.of("talks.example.org"));
    hosts(proxied, 403, foreign);
  }

  private int port(ServerOptions options) {
    return server(options).address().getPort();
  }

  @SafeVarargs
  private static void hosts(int port, int status, List<String>... all) throws IOException {
    for (List<String> some : all) {
      for (String host : some) {
        String request = "GET /health HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
        assertThat(raw(port, request)).as(host).startsWith("HTTP/1.1 " + status);
      }
    }
  }

  private static String raw(int port, String request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** More than may wait are refused by 429, and those that were taken come to their end. */
  @Test
  void tooManyAreRefused() throws Exception {
    BatchOptions one = BatchOptions.DEFAULT.withSequences(1).withWaiting(1);
    Client client = client(OPTIONS.withBatch(one));
    List<Client.Reply> replies = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      Thread thread =
          new Thread(
              () -> {
                Client.Reply reply =
                    client.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":2000}");
                synchronized (replies) {
                  replies.add(reply);
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(replies).extracting(Client.Reply::status).containsOnly(200, 429);
    assertThat(replies).extracting(Client.Reply::status).contains(200, 429);
    assertThat(replies.stream().filter(r -> r.status() == 429).map(Client.Reply::message))
        .containsOnly("expected at most 1 sequences that wait for one of 1 places, got 2");
    assertThat(replies.stream().filter(r -> r.status() == 200))
        .allMatch(r -> r.json().at("/usage/completion_tokens").intValue() == 2000);
    assertThat(client.metric("retention_refused_total")).isPositive();
  }

  @Test
  void whoIsRefusedLearnsWhenToComeAgain() throws Exception {
    BatchOptions one = BatchOptions.DEFAULT.withSequences(1).withWaiting(1);
    RetentionServer server = server(OPTIONS.withBatch(one));
    int port = server.address().getPort();
    Client client = new Client(port);
    List<Thread> threads = new ArrayList<>();
    String body = "{\"prompt\":\"a\",\"max_tokens\":4096,\"temperature\":0}";
    for (int i = 0; i < 2; i++) {
      threads.add(new Thread(() -> client.post("/v1/completions", body)));
      threads.get(i).start();
    }
    await(
        "both are there",
        () ->
            client.metric("retention_sequences{state=\"writing\"}") == 1
                && client.metric("retention_sequences{state=\"waiting\"}") == 1);
    String head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    String refused =
        raw(port, head + "Content-Length: 29\r\n\r\n{\"prompt\":\"a\",\"max_tokens\":9}");
    assertThat(refused).startsWith("HTTP/1.1 429 ").containsIgnoringCase("\r\nRetry-After: 1\r\n");
    server.close();
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** Who has too many sessions, or too large ones, has them until some are deleted. */
  @Test
  void whatDoesNotPassByItselfIsNotToBeAskedForAgain() throws Exception {
    long bytes =
        client(OPTIONS).ok("/v1/sessions", "{\"name\":\"a\"}").get("bytes_in_memory").longValue();
    Duration time = Duration.ofSeconds(30);
    for (ServerLimits limits :
        List.of(
            new ServerLimits(2000, 50, 100, 2, time, 1, 1 << 30, 200),
            new ServerLimits(2000, 50, 100, 2, time, 9, bytes + bytes / 2, 200))) {
      int port = server(OPTIONS.withLimits(limits)).address().getPort();
      new Client(port).ok("/v1/sessions", "{\"name\":\"a\"}");
      String head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
      String refused = raw(port, head + "Content-Length: 12\r\n\r\n{\"name\":\"b\"}");
      assertThat(refused).startsWith("HTTP/1.1 429 ").doesNotContainIgnoringCase("Retry-After");
    }
  }

  /** More choices than the batch could ever hold: no waiting would help. */
  @Test
  void moreChoicesThanTheBatchHoldsAreRefused() {
    BatchOptions few = BatchOptions.DEFAULT.withSequences(1).withWaiting(2);
    Client client = client(OPTIONS.withBatch(few));
    Client.Reply reply = client.post("/v1/completions", "{\"prompt\":\"a\",\"n\":3}");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.message()).isEqualTo("expected n in 1..2, got 3");
    assertThat(client.ok("/v1/completions", "{\"prompt\":\"a\",\"n\":2}").get("choices"))
        .hasSize(2);
  }

  @Test
  void timeIsLimited() {
    ServerLimits second =
        new ServerLimits(
            2000, 50, 100_000_000, 2, Duration.ofMillis(300), 3, 1 << 20, 1_000_000_000);
    Client client = client(OPTIONS.withLimits(second));
    var json = client.ok("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":100000000}");
    assertThat(json.at("/choices/0/finish_reason").textValue()).isEqualTo("cancelled");
    assertThat(json.at("/usage/completion_tokens").intValue()).isPositive();
  }

  @Test
  void addressesAndOptionsAreChecked() {
    RetentionServer server = server(OPTIONS);
    int port = server.address().getPort();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> server(OPTIONS.withAddress("127.0.0.1", port)))
        .withMessageStartingWith("expected a free port of this machine, got 127.0.0.1:" + port);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withAddress("127.0.0.1", 65536))
        .withMessage("expected a port in 0..65535, got 65536");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withApiKey(" "))
        .withMessage("expected an API key with text, got an empty one");
    for (String bad : List.of(" x", "x\n", "a\u0001b")) {
      assertThatIllegalArgumentException().isThrownBy(() -> OPTIONS.withApiKey(bad));
    }
    assertThat(OPTIONS.withApiKey("a b").apiKey()).contains("a b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withHosts(Set.of("https://talks.example.org")))
        .withMessageStartingWith("expected hosts without scheme and port, as in");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withSaving(Duration.ZERO, Duration.ofSeconds(1)))
        .withMessage("expected saveEvery > 0, got PT0S");
  }
}
