package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Clients that send or take slowly keep nobody else from being served. */
class SlowClientsTest extends ServerFixture {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(50);

  /** More than there are threads: half stop within the header, half within the body. */
  @Test
  void halfSentRequestsDoNotKeepOthersWaiting() throws IOException {
    RetentionServer server = server(OPTIONS);
    int port = server.address().getPort();
    String head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n";
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 400; i++) {
        Socket socket = new Socket("127.0.0.1", port);
        slow.add(socket);
        String sent = i % 2 == 0 ? head : head + "Content-Length: 100\r\n\r\n{\"prompt\":";
        socket.getOutputStream().write(sent.getBytes(StandardCharsets.UTF_8));
      }
      Client client = new Client(port, Duration.ofSeconds(30)); // half of what slow ones get
      assertThat(client.get("/health").status()).isEqualTo(200);
      assertThat(client.get("/metrics").status()).isEqualTo(200);
      client.ok("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":5}");
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  /** With one thread, whom another waits for. */
  @Test
  void whoWaitsForAClientMakesRoomAndWhoWorksDoesNot() throws Exception {
    Map<String, String> ends = new ConcurrentHashMap<>();
    CountDownLatch work = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    try (ServerSocket listening = new ServerSocket(0, 9, InetAddress.getLoopbackAddress());
        SocketChannel silent = SocketChannel.open(listening.getLocalSocketAddress());
        ClientThreads threads = new ClientThreads(1, LONG, SHORT)) {
      threads.execute(
          () -> {
            try {
              silent.read(ByteBuffer.allocate(1));
            } catch (IOException e) {
              ends.put("reads", e.getClass().getSimpleName());
            }
          });
      threads.execute(
          () -> {
            ends.put("interrupted before", "" + Thread.currentThread().isInterrupted());
            ClientThreads.turn().works();
            try {
              ends.put("works", "" + work.await(1, TimeUnit.SECONDS));
            } catch (InterruptedException e) {
              ends.put("works", "interrupted");
            }
          });
      threads.execute(done::countDown);
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(ends)
        .containsEntry("reads", "ClosedByInterruptException")
        .containsEntry("interrupted before", "false")
        .containsEntry("works", "false");
  }

  /** What is written waits anew with each piece, and is cut off when one is not taken. */
  @Test
  void whoTakesNothingIsCutOff() throws Exception {
    Map<String, String> ends = new ConcurrentHashMap<>();
    CountDownLatch done = new CountDownLatch(1);
    try (ServerSocket listening = new ServerSocket(0, 9, InetAddress.getLoopbackAddress());
        SocketChannel silent = SocketChannel.open(listening.getLocalSocketAddress());
        ClientThreads threads = new ClientThreads(1, Duration.ofMillis(300), SHORT)) {
      threads.execute(
          () -> {
            try {
              while (true) {
                ClientThreads.turn().waits();
                silent.write(ByteBuffer.allocate(1 << 16));
                ClientThreads.turn().works();
              }
            } catch (IOException e) {
              ends.put("writes", e.getClass().getSimpleName());
            }
            done.countDown();
          });
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(ends).containsEntry("writes", "ClosedByInterruptException");
  }
}
