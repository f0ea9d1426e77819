package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A Chromium of this machine without a window, asked by its DevTools protocol. */
final class Browser implements AutoCloseable {
  private static final Pattern LISTENS = Pattern.compile("ws://([\\d.]+:\\d+)/devtools/browser/");
  private static final String THROWN = "Runtime.exceptionThrown";
  private static final long PATIENCE_SECONDS = 60;

  private final Process process;
  private final WebSocket socket;
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final List<JsonNode> complaints = new ArrayList<>();
  private int asked;

  private Browser(Process process, String address) throws IOException, InterruptedException {
    this.process = process;
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest pages = HttpRequest.newBuilder(URI.create("http://" + address + "/json")).build();
    JsonNode page = Client.JSON.readTree(http.send(pages, BodyHandlers.ofString()).body()).get(0);
    String target = page.get("webSocketDebuggerUrl").textValue();
    socket = http.newWebSocketBuilder().buildAsync(URI.create(target), new Whole()).join();
    ask("Page.enable");
    ask("Log.enable");
    ask("Runtime.enable");
  }

  /** Messages come in parts. */
  private final class Whole implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        messages.add(text.toString());
        text.setLength(0);
      }
      from.request(1);
      return null;
    }
  }

  /** Returns the program, if there is one on the path. */
  static Optional<Path> program() {
    return Stream.of("chromium", "chromium-browser", "google-chrome", "chrome")
        .flatMap(
            name ->
                Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                    .map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Opens one that keeps what it writes in a folder. */
  static Browser open(Path program, Path folder) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless",
                "--no-sandbox", // it sees nothing but the page of this project
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-port=0",
                "--user-data-dir=" + folder,
                "about:blank")
            .redirectErrorStream(true)
            .start();
    BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
    for (String line = said.readLine(); line != null; line = said.readLine()) {
      Matcher listens = LISTENS.matcher(line);
      if (listens.find()) {
        Thread rest = new Thread(() -> said.lines().forEach(ignored -> {}), "browser");
        rest.setDaemon(true);
        rest.start();
        return new Browser(process, listens.group(1));
      }
    }
    throw new IOException("the browser ended with " + process.waitFor());
  }

  /** Asks for something, with names of fields and their values by turns. */
  private JsonNode ask(String method, Object... fields) throws IOException, InterruptedException {
    ObjectNode message = Client.JSON.createObjectNode();
    int id = ++asked;
    message.put("id", id).put("method", method);
    ObjectNode parameters = message.putObject("params");
    for (int i = 0; i < fields.length; i += 2) {
      parameters.set((String) fields[i], Client.JSON.valueToTree(fields[i + 1]));
    }
    socket.sendText(message.toString(), true).join();
    JsonNode reply = next();
    while (reply.path("id").asInt() != id) {
      note(reply);
      reply = next();
    }
    if (reply.has("error")) {
      throw new IOException(method + ": " + reply);
    }
    return reply.get("result");
  }

  private JsonNode next() throws IOException, InterruptedException {
    String message = messages.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (message == null) {
      throw new IOException("the browser does not answer");
    }
    return Client.JSON.readTree(message);
  }

  private void note(JsonNode event) {
    String method = event.path("method").asText();
    String level = event.at("/params/entry/level").asText();
    if (level.equals("error") || level.equals("warning") || method.equals(THROWN)) {
      complaints.add(event.get("params"));
    }
  }

  /** Goes to a page and waits until it stands. */
  void go(String address) throws IOException, InterruptedException {
    ask("Page.navigate", "url", address);
    while (!evaluate("document.readyState").asText().equals("complete")
        || !evaluate("location.href").asText().equals(address)) {
      Thread.sleep(10);
    }
  }

  /** Returns what an expression, or its promise, comes to. */
  JsonNode evaluate(String expression) throws IOException, InterruptedException {
    JsonNode got =
        ask(
            "Runtime.evaluate",
            "expression",
            expression,
            "awaitPromise",
            true,
            "returnByValue",
            true);
    if (got.has("exceptionDetails")) {
      throw new IOException(expression + ": " + got);
    }
    return got.get("result").path("value");
  }

  /** Presses and lets go of the mouse in the middle of an element. */
  void click(String id) throws IOException, InterruptedException {
    JsonNode at =
        evaluate(
            "(r => [r.x + r.width / 2, r.y + r.height / 2])(document.getElementById('"
                + id
                + "').getBoundingClientRect())");
    for (String type : List.of("mousePressed", "mouseReleased")) {
      ask(
          "Input.dispatchMouseEvent",
          "type",
          type,
          "x",
          at.get(0),
          "y",
          at.get(1),
          "button",
          "left",
          "clickCount",
          1);
    }
  }

  /** Types a text in place of what stands in a field. */
  void type(String id, String text) throws IOException, InterruptedException {
    evaluate("document.getElementById('" + id + "').select()");
    if (text.isEmpty()) {
      evaluate("document.getElementById('" + id + "').value = ''");
    } else {
      ask("Input.insertText", "text", text);
    }
  }

  /** Returns what the browser found wrong: refused scripts and requests, errors of scripts. */
  List<JsonNode> complaints() {
    return List.copyOf(complaints);
  }

  @Override
  public void close() {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    process.onExit().join();
  }
}
