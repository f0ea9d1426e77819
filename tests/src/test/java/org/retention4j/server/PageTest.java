package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.text.SamplingOptions;

/** The page to try the model: what it may load and run, and its script where there is Node. */
class PageTest extends ServerFixture {
  @TempDir Path folder;

  @Test
  void runsOnlyItsOwnScript() throws Exception {
    Client client = client(OPTIONS);
    String page = client.get("/").text();
    int begin = page.indexOf("<script>") + "<script>".length();
    String script = page.substring(begin, page.indexOf("</script>"));
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
    assertThat(client.header("GET", "/", "Content-Security-Policy"))
        .contains("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'")
        .contains("script-src 'sha256-" + Base64.getEncoder().encodeToString(hash) + "';");
    assertThat(page).containsOnlyOnce("<script").startsWith("<!DOCTYPE html>");
    assertThat(page).doesNotContainPattern(" on[a-z]+=").doesNotContain("src=", "href=", "http");
    // Texts are texts, whatever stands in them.
    assertThat(page).doesNotContain("innerHTML", "outerHTML", "insertAdjacent", "document.write");
  }

  @Test
  void writesWhatTheServerSays() throws Exception {
    RetentionServer server = server(OPTIONS);
    String root = "http://127.0.0.1:" + server.address().getPort() + "/";
    String fields = "{\"prompt\":\"It is <b>a\",\"max\":\"20\",\"temperature\":\"0\",\"top\":\"\"}";
    JsonNode seen = run(root, fields);
    String text = alone(TOKENIZER.encode("It is <b>a"), 20, SamplingOptions.DEFAULT).text();
    assertThat(seen.get("out").textValue()).isEqualTo("[It is <b>a]" + text);
    assertThat(seen.get("note").textValue()).isEqualTo("ended: length");
    assertThat(seen.get("model").textValue()).isEqualTo("tiny");
    assertThat(seen.get("go").booleanValue()).isFalse();
    assertThat(seen.get("stop").booleanValue()).isTrue();
    assertThat(run(root, "{\"max\":\"-1\"}").get("note").textValue())
        .isEqualTo("expected max_tokens in 0..4096, got -1");
    // Stopped behind some text, the server ends the sequence.
    JsonNode stopped = run(root, "{\"max\":\"4096\"}", "60");
    assertThat(stopped.get("note").textValue()).isEqualTo("stopped");
    Client client = new Client(server.address().getPort());
    await("ended", () -> client.metric("retention_sequences{state=\"writing\"}") == 0);
  }

  @Test
  void needsItsKey() throws Exception {
    RetentionServer server = server(OPTIONS.withApiKey("secret"));
    String root = "http://127.0.0.1:" + server.address().getPort() + "/";
    assertThat(run(root, "{}").get("note").textValue()).startsWith("expected the header");
    assertThat(run(root, "{\"key\":\"secret\"}").get("note").textValue()).startsWith("ended: ");
  }

  /** The driver hands everything on byte by byte. */
  @Test
  void takesWhatComesInHalves() throws Exception {
    String events =
        ": working\n\n"
            + event("é\uD83D\uDE00 <i>&amp;\\n")
            + event("end")
            + "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
    assertThat(answered(events, "200 OK").get("out").textValue())
        .endsWith("]é\uD83D\uDE00 <i>&amp;\nend");
    JsonNode cut = answered(event("begin") + "data: {\"cho", "200 OK");
    assertThat(cut.get("out").textValue()).endsWith("]begin");
    assertThat(cut.get("note").textValue()).isEqualTo("the connection ended before the answer did");
    assertThat(answered("data: {\"error\":{\"message\":\"bad\"}}\n\n", "200 OK").get("note"))
        .hasToString("\"bad\"");
    assertThat(answered("<p>proxy", "502 Bad Gateway").get("note").textValue())
        .isEqualTo("status 502: <p>proxy");
  }

  private static String event(String text) {
    return "data: {\"choices\":[{\"text\":\"" + text + "\",\"finish_reason\":null}]}\n\n";
  }

  /** Runs the page against a server that answers a completion so. */
  private JsonNode answered(String events, String status) throws Exception {
    byte[] page;
    try (InputStream file = RetentionServer.class.getResourceAsStream("page.html")) {
      page = file.readAllBytes();
    }
    try (ServerSocket listening = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  while (true) {
                    try (Socket socket = listening.accept()) {
                      answer(socket, page, events, status);
                    }
                  }
                } catch (IOException e) {
                  // The test is over.
                }
              });
      thread.setDaemon(true);
      thread.start();
      return run("http://127.0.0.1:" + listening.getLocalPort() + "/", "{}");
    }
  }

  private static void answer(Socket socket, byte[] page, String events, String status)
      throws IOException {
    byte[] request = new byte[1 << 16];
    int length = socket.getInputStream().read(request);
    String asked = new String(request, 0, Math.max(0, length), StandardCharsets.UTF_8);
    OutputStream out = socket.getOutputStream();
    boolean completion = asked.startsWith("POST");
    String head = "HTTP/1.1 " + (completion ? status : "200 OK") + "\r\nConnection: close\r\n\r\n";
    out.write(head.getBytes(StandardCharsets.UTF_8));
    if (asked.startsWith("GET /health")) {
      out.write("{\"model\":\"raw\"}".getBytes(StandardCharsets.UTF_8));
    } else {
      out.write(completion ? events.getBytes(StandardCharsets.UTF_8) : page);
    }
    socket.shutdownOutput();
    socket.getInputStream().transferTo(OutputStream.nullOutputStream()); // until it has it all
  }

  /** Presses Continue, and returns what can be seen in the end. */
  private JsonNode run(String root, String... arguments) throws Exception {
    assumeTrue(hasNode(), "there is no Node of version 18 or later");
    Path driver = folder.resolve("page-driver.mjs");
    try (InputStream file = PageTest.class.getResourceAsStream("page-driver.mjs")) {
      Files.write(driver, file.readAllBytes());
    }
    List<String> command = new ArrayList<>(List.of("node", driver.toString(), root));
    command.addAll(Arrays.asList(arguments));
    Process node = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String said = new String(node.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(node.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(node.exitValue()).as(said).isZero();
      return Client.JSON.readTree(said);
    } finally {
      node.destroyForcibly();
    }
  }

  private static boolean hasNode() {
    try {
      Process node = new ProcessBuilder("node", "--version").redirectErrorStream(true).start();
      String version = new String(node.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return version.matches("v(1[89]|[2-9]\\d)\\.[\\s\\S]*");
    } catch (IOException e) {
      return false;
    }
  }
}
