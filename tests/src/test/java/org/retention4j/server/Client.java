package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Asks a server of this machine. */
final class Client {
  static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final String root;

  private final Duration patience;

  Client(int port) {
    this(port, Duration.ofSeconds(60));
  }

  Client(int port, Duration patience) {
    root = "http://127.0.0.1:" + port;
    this.patience = patience;
  }

  /** A status with its text. */
  record Reply(int status, String text) {
    JsonNode json() {
      try {
        return JSON.readTree(text);
      } catch (IOException e) {
        throw new AssertionError("no JSON: " + text, e);
      }
    }

    String message() {
      return json().at("/error/message").asText();
    }

    /** Returns the events of a stream, without the last, which only says that it is done. */
    List<JsonNode> events() throws IOException {
      List<JsonNode> events = new ArrayList<>();
      boolean done = false;
      for (String line : text.split("\n")) {
        done |= line.equals("data: [DONE]");
        if (line.startsWith("data: {")) {
          events.add(JSON.readTree(line.substring(6)));
        }
      }
      if (!done) {
        throw new AssertionError("no end of the stream: " + text);
      }
      return events;
    }
  }

  Reply send(String method, String path, String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(root + path))
            .timeout(patience)
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      HttpResponse<String> got = http.send(request.build(), BodyHandlers.ofString());
      return new Reply(got.statusCode(), got.body());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns a header of an answer. */
  String header(String method, String path, String name) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(root + path))
            .method(method, BodyPublishers.noBody())
            .build();
    return http.send(request, BodyHandlers.ofString()).headers().firstValue(name).orElse("");
  }

  Reply get(String path) {
    return send("GET", path, null);
  }

  Reply post(String path, String body) {
    return send("POST", path, body, "Content-Type", "application/json");
  }

  /** Posts what must be taken. */
  JsonNode ok(String path, String body) {
    Reply reply = post(path, body);
    if (reply.status() / 100 != 2) {
      throw new AssertionError(path + " " + body + ": " + reply);
    }
    return reply.json();
  }

  String metrics() {
    return get("/metrics").text();
  }

  /** Returns a figure of /metrics. */
  double metric(String name) {
    for (String line : metrics().split("\n")) {
      if (line.startsWith(name + " ")) {
        return Double.parseDouble(line.substring(name.length() + 1));
      }
    }
    throw new AssertionError("no metric " + name);
  }
}
