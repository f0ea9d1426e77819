package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.batch.BatchOptions;

/** Who leaves frees the place, whether or not pieces were sent; and the end is graceful. */
class ClientLeavesTest extends ServerFixture {
  private static final ServerLimits LONG =
      new ServerLimits(2000, 50, 100_000_000, 2, Duration.ofSeconds(60), 3, 1 << 30, 1_000_000_000);

  private static Socket ask(int port, String path, boolean stream) throws IOException {
    String body = "{\"prompt\":\"a\",\"max_tokens\":100000000,\"stream\":" + stream + "}";
    Socket socket = new Socket("127.0.0.1", port);
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n";
    socket.getOutputStream().write((head + body).getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void itsSequenceIsCancelled(boolean stream) throws Exception {
    ServerOptions options =
        OPTIONS.withLimits(LONG).withBatch(BatchOptions.DEFAULT.withSequences(1).withWaiting(0));
    RetentionServer server = server(options);
    Client client = new Client(server.address().getPort());
    client.ok("/v1/sessions", "{\"name\":\"s\"}");
    client.ok("/v1/sessions/s/append", "{\"prompt\":[1,2,3]}");
    for (String path : new String[] {"/v1/completions", "/v1/sessions/s/generate"}) {
      // Figures are those of the last step: who is counted still would have this one refused.
      await(
          "a free place",
          () ->
              client.metric("retention_sequences{state=\"reading\"}")
                      + client.metric("retention_sequences{state=\"writing\"}")
                  == 0);
      Socket socket = ask(server.address().getPort(), path, stream);
      await("writing", () -> client.metric("retention_sequences{state=\"writing\"}") == 1);
      socket.close();
      await("gone", () -> client.metric("retention_sequences{state=\"writing\"}") == 0);
    }
    await("told", () -> client.metric("retention_clients_gone_total") == 2);
    // The call did not come to its end: the session stands where it stood.
    await("free", () -> client.post("/v1/sessions/s/append", "{\"prompt\":[4]}").status() == 200);
    assertThat(client.get("/v1/sessions/s").json().get("position").longValue()).isEqualTo(4);
  }

  @Test
  void whoIsServedComesToTheEndBeforeTheServerDoes() throws Exception {
    RetentionServer server = server(OPTIONS.withGrace(Duration.ofSeconds(30)));
    Client client = new Client(server.address().getPort());
    Client.Reply[] reply = new Client.Reply[1];
    Thread asks =
        new Thread(
            () ->
                reply[0] =
                    client.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":3000}"));
    asks.start();
    await("writing", () -> client.metric("retention_sequences{state=\"writing\"}") == 1);
    server.close();
    asks.join();
    assertThat(reply[0].status()).isEqualTo(200);
    assertThat(reply[0].json().at("/usage/completion_tokens").intValue()).isEqualTo(3000);
  }

  @Test
  void whoTakesLongerThanTheGraceGetsWhatThereIs() throws Exception {
    RetentionServer server = server(OPTIONS.withLimits(LONG).withGrace(Duration.ofMillis(100)));
    Client client = new Client(server.address().getPort());
    Client.Reply[] reply = new Client.Reply[1];
    Thread asks =
        new Thread(
            () ->
                reply[0] =
                    client.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":100000000}"));
    asks.start();
    await("writing", () -> client.metric("retention_sequences{state=\"writing\"}") == 1);
    server.close();
    asks.join();
    assertThat(reply[0].json().at("/choices/0/finish_reason").textValue()).isEqualTo("cancelled");
  }
}
