package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever stands in a field, a path or a body: it is taken or refused, and nothing breaks. */
class AnyValueTest extends ServerFixture {
  private static final ServerLimits LIMITS =
      new ServerLimits(1 << 20, 50, 20, 2, Duration.ofSeconds(30), 40, 1 << 26, 100_000);

  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "-0.0",
          "1",
          "-1",
          "0.5",
          "1e-320",
          "1e-30",
          "99",
          "1e400",
          "-1e400",
          "NaN",
          "Infinity",
          "-Infinity",
          "2147483648",
          "9223372036854775807",
          "9223372036854775808",
          "-9223372036854775808",
          "1" + "0".repeat(900),
          "\"\"",
          "\"a\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"\\udc00x\\ud83d\"",
          "\"\\ufeff\"",
          "\"../../x\"",
          "\"" + "a".repeat(100_000) + "\"",
          "[]",
          "[[]]",
          "[null]",
          "[1]",
          "[\"a\",\"b\"]",
          "[1e400]",
          "{}",
          "{\"a\":{}}",
          "[".repeat(900) + "]".repeat(900),
          "[".repeat(5000) + "]".repeat(5000));

  private static final List<String> FIELDS =
      List.of(
          "model",
          "prompt",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "repetition_penalty",
          "n",
          "stream",
          "stream_options",
          "logprobs",
          "stop",
          "seed",
          "ignore_eos",
          "user",
          "best_of",
          "echo",
          "suffix",
          "logit_bias",
          "frequency_penalty",
          "presence_penalty",
          "expected_position",
          "name",
          "\\u0000");

  @TempDir Path folder;

  @Test
  void isTakenOrRefused() {
    Client client = client(OPTIONS.withLimits(LIMITS).withSessions(folder));
    client.ok("/v1/sessions", "{\"name\":\"s\"}");
    client.ok("/v1/sessions/s/append", "{\"prompt\":[1,2,3]}");
    client.ok("/v1/sessions/s/save", "");
    TreeSet<Integer> statuses = new TreeSet<>();
    for (String field : FIELDS) {
      for (String value : VALUES) {
        String one = "\"" + field + "\":" + value;
        for (String path :
            List.of(
                "/v1/completions",
                "/v1/sessions",
                "/v1/sessions/s/append",
                "/v1/sessions/s/generate",
                "/v1/sessions/s/fork",
                "/v1/sessions/s/save",
                "/v1/sessions/s/restore")) {
          boolean completes = path.endsWith("completions") || path.endsWith("generate");
          String rest = completes && !field.equals("max_tokens") ? ",\"max_tokens\":2" : "";
          boolean prompted = path.endsWith("completions") && !field.equals("prompt");
          String body = "{" + one + rest + (prompted ? ",\"prompt\":\"a\"" : "") + "}";
          Client.Reply reply = client.post(path, body);
          String shown = body.length() > 200 ? body.substring(0, 200) + "..." : body;
          assertThat(reply.status()).as("%s %s: %s", path, shown, reply.text()).isLessThan(500);
          assertThat(reply.text().length()).as("%s %s", path, shown).isLessThan(4000);
          if (reply.status() != 200) {
            assertThat(
                    reply.json().at("/error/type").asText() + reply.json().at("/object").asText())
                .as("%s %s: %s", path, shown, reply.text())
                .isIn("invalid_request_error", "session");
          }
          statuses.add(reply.status());
        }
      }
    }
    assertThat(statuses).contains(200, 201, 400, 404, 409);
    client.ok("/v1/sessions/s/restore", "");
    assertThat(client.get("/v1/sessions/s").json().get("position").longValue()).isPositive();
  }

  /** What is no HTTP, or hardly. */
  @Test
  void requestsAsNoClientSendsThem() throws IOException {
    RetentionServer server = server(OPTIONS);
    int port = server.address().getPort();
    for (String request :
        List.of(
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
            "GET http://[ HTTP/1.1\r\n\r\n",
            "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/sessions/%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET //health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}",
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "zz\r\n{}\r\n",
            "GET /health HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n".repeat(5000) + "\r\n",
            "GET /" + "a".repeat(100_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
      try (Socket socket = new Socket("127.0.0.1", port)) {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        socket.shutdownOutput();
        byte[] got = socket.getInputStream().readNBytes(20);
        assertThat(new String(got, StandardCharsets.ISO_8859_1))
            .as(request.length() > 90 ? request.substring(0, 90) : request)
            .doesNotStartWith("HTTP/1.1 5");
      } catch (IOException e) {
        // Closed at once is well too.
      }
    }
    assertThat(new Client(port).get("/health").status()).isEqualTo(200);
  }

  @Test
  void bodiesThatAreNoUtf8AreRefused() throws IOException {
    RetentionServer server = server(OPTIONS);
    try (Socket socket = new Socket("127.0.0.1", server.address().getPort())) {
      String request =
          "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
              + "Content-Length: 14\r\n\r\n{\"prompt\":\"é\"}";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 400")
          .contains("expected JSON in UTF-8 in the body");
    }
  }
}
