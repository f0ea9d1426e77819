package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** How a request is answered: at once, or piece by piece, which tells when a client has left. */
final class Answer {
  private static final int OK = 200;
  private static final String JSON = "application/json";
  private static final String EVENTS = "text/event-stream; charset=utf-8";
  private static final String SCRIPT = "<script>";

  /** Of a long answer at once: who takes so much in time is not cut off. */
  private static final int PIECE_BYTES = 1 << 16;

  private final HttpExchange exchange;
  private final ClientThreads.Turn turn;
  private OutputStream stream;

  /** Whether what is sent in pieces are events. */
  private boolean events;

  private int status;

  /** The client has left. */
  static final class GoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GoneException(IOException cause) {
      super("the client has left", cause);
    }
  }

  Answer(HttpExchange exchange, ClientThreads.Turn turn) {
    this.exchange = exchange;
    this.turn = turn;
  }

  /** Returns the status that was sent, 0 before. */
  int status() {
    return status;
  }

  void json(int code, JsonNode body) {
    whole(code, JSON, (body + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** Sends all of it; of an answer to HEAD, what comes before the body. */
  void whole(int code, String type, byte[] body) {
    headers(type);
    status = code;
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
      send(() -> exchange.sendResponseHeaders(code, -1));
      return;
    }
    send(() -> exchange.sendResponseHeaders(code, body.length == 0 ? -1 : body.length));
    OutputStream out = exchange.getResponseBody();
    write(out, body);
    send(out::close);
  }

  private void write(OutputStream out, byte[] bytes) {
    for (int at = 0; at < bytes.length; at += PIECE_BYTES) {
      int from = at;
      send(() -> out.write(bytes, from, Math.min(PIECE_BYTES, bytes.length - from)));
    }
  }

  /** Something that may wait for the client. */
  private interface Sending {
    void run() throws IOException;
  }

  private void send(Sending sending) {
    turn.waits();
    try {
      sending.run();
    } catch (IOException e) {
      throw new GoneException(e);
    } finally {
      turn.works();
    }
  }

  /** A page that loads nothing from anywhere, runs its one script, and asks this server only. */
  void page(byte[] html) {
    String text = new String(html, StandardCharsets.UTF_8);
    String script = text.substring(text.indexOf(SCRIPT) + SCRIPT.length());
    script = script.substring(0, script.indexOf("</script>"));
    exchange
        .getResponseHeaders()
        .set(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"
                + sha256(script)
                + "'; connect-src 'self'; base-uri 'none'; form-action 'none';"
                + " frame-ancestors 'none'");
    whole(OK, "text/html; charset=utf-8", html);
  }

  private static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return Base64.getEncoder()
          .encodeToString(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // each JDK has it
    }
  }

  private void headers(String type) {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
  }

  /** Sends a blank, which JSON may begin with, at once. */
  void alive() {
    piece(JSON, " ");
  }

  /** Sends a server-sent event, a line, at once. */
  void event(String line) {
    events = true;
    piece(EVENTS, line + "\n\n");
  }

  /** Sends all of an answer, behind blanks if there were any, and ends it. */
  void last(JsonNode body) {
    if (stream == null) {
      json(OK, body);
    } else {
      piece(JSON, body + "\n");
      end();
    }
  }

  /**
   * Sends an error: with its status or, where an answer in pieces has begun and the status is sent,
   * as its last piece. An answer that was sent whole stays as it is.
   */
  void fail(HttpFailure failure) {
    if (status == 0) {
      failure
          .retryAfter()
          .ifPresent(
              seconds -> exchange.getResponseHeaders().set("Retry-After", seconds.toString()));
      json(failure.status(), failure.json());
    } else if (events) {
      event("data: " + failure.json());
      end();
    } else if (stream != null) {
      last(failure.json());
    }
  }

  private void piece(String type, String text) {
    if (stream == null) {
      headers(type);
      status = OK;
      send(() -> exchange.sendResponseHeaders(OK, 0));
      stream = exchange.getResponseBody();
    }
    write(stream, text.getBytes(StandardCharsets.UTF_8));
    send(stream::flush);
  }

  /** Ends an answer in pieces. */
  void end() {
    send(stream::close);
  }
}
