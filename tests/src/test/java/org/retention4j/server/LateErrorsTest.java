package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.text.Tokenizer;

/** Errors of answers that have begun: the status is sent, and the body tells of them. */
@Timeout(120)
class LateErrorsTest extends ServerFixture {
  /** Fails in the batch's thread, once it is let go. */
  private static final class Failing implements Tokenizer {
    private final CountDownLatch free = new CountDownLatch(1);

    @Override
    public int[] encode(String text) {
      return TOKENIZER.encode(text);
    }

    @Override
    public String decode(int[] tokens) {
      if (!Thread.currentThread().getName().equals("retention-batch")) {
        return TOKENIZER.decode(tokens);
      }
      try {
        free.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new IllegalStateException("of a tokenizer");
    }

    @Override
    public int vocabulary() {
      return VOCABULARY;
    }
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void areTold(boolean stream, boolean stops) throws Exception {
    Failing tokenizer = new Failing();
    ServedModel served = new ServedModel("tiny", model, tokenizer, Set.of(), OptionalInt.of(1));
    try (RetentionServer server = RetentionServer.start(served, OPTIONS)) {
      String told;
      try (Socket socket = new Socket("127.0.0.1", server.address().getPort())) {
        String body = "{\"prompt\":\"a\",\"max_tokens\":5,\"stream\":" + stream + "}";
        String head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        String whole = head + "Content-Length: " + body.length() + "\r\n\r\n" + body;
        socket.getOutputStream().write(whole.getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
            .isEqualTo("HTTP/1.1 200");
        if (stops) {
          CompletableFuture.runAsync(server::close);
          Client client = new Client(server.address().getPort());
          await("it is stopped", () -> client.get("/health").status() == 503);
        }
        tokenizer.free.countDown();
        told = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      } finally {
        tokenizer.free.countDown();
      }
      assertThat(told).contains(stream ? "data: {\"error\":{" : " \r\n").contains("{\"error\":{");
      if (stops) {
        assertThat(told)
            .contains("\"this server is being stopped\"", "\"code\":\"stopping\"")
            .doesNotContain("java.");
      } else {
        assertThat(told).contains("of a tokenizer", "\"code\":\"internal_error\"");
      }
      assertThat(told).as("the last chunk").endsWith("\r\n0\r\n\r\n");
    }
  }
}
