package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** How a request is answered: at once, or piece by piece, which tells when a client has left. */
final class Answer {
  private static final int OK = 200;

  private final HttpExchange exchange;
  private OutputStream stream;
  private int status;

  /** The client has left. */
  static final class GoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GoneException(IOException cause) {
      super("the client has left", cause);
    }
  }

  Answer(HttpExchange exchange) {
    this.exchange = exchange;
  }

  /** Returns the status that was sent, 0 before. */
  int status() {
    return status;
  }

  void json(int code, JsonNode body) {
    whole(code, "application/json", (body + "\n").getBytes(StandardCharsets.UTF_8));
  }

  void whole(int code, String type, byte[] body) {
    try {
      headers(type);
      status = code;
      exchange.sendResponseHeaders(code, body.length == 0 ? -1 : body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    } catch (IOException e) {
      throw new GoneException(e);
    }
  }

  /** A page that loads nothing from anywhere, and asks this server only. */
  void page(byte[] html) {
    exchange
        .getResponseHeaders()
        .set(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
                + " connect-src 'self'; base-uri 'none'; form-action 'none';"
                + " frame-ancestors 'none'");
    whole(OK, "text/html; charset=utf-8", html);
  }

  private void headers(String type) {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
  }

  boolean begun() {
    return stream != null;
  }

  /** Sends a piece at once. */
  void piece(String type, String text) {
    try {
      if (stream == null) {
        headers(type);
        status = OK;
        exchange.sendResponseHeaders(OK, 0);
        stream = exchange.getResponseBody();
      }
      stream.write(text.getBytes(StandardCharsets.UTF_8));
      stream.flush();
    } catch (IOException e) {
      throw new GoneException(e);
    }
  }

  /** Ends an answer in pieces. */
  void end() {
    try {
      stream.close();
    } catch (IOException e) {
      throw new GoneException(e);
    }
  }
}
