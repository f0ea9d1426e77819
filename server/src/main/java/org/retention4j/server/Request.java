package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/** A request: its path, its headers, its body. */
final class Request {
  private final HttpExchange exchange;
  private final ClientThreads.Turn turn;
  private final int mostBytes;

  Request(HttpExchange exchange, ClientThreads.Turn turn, int mostBytes) {
    this.exchange = exchange;
    this.turn = turn;
    this.mostBytes = mostBytes;
  }

  /** Returns the method; HEAD is a GET of whose answer no body is sent. */
  String method() {
    String method = exchange.getRequestMethod();
    return method.equals("HEAD") ? "GET" : method;
  }

  String header(String name) {
    return exchange.getRequestHeaders().getFirst(name);
  }

  /** Returns the parts of the path, each decoded by itself: a name cannot bring a separator. */
  List<String> path() {
    List<String> parts = new ArrayList<>();
    URI uri = exchange.getRequestURI();
    for (String part : String.valueOf(uri.getRawPath()).split("/", -1)) {
      try {
        parts.add(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8));
      } catch (IllegalArgumentException e) {
        throw new HttpFailure(
            HttpFailure.BAD_REQUEST, "invalid_path", "expected a path, got '" + part + "'");
      }
    }
    return parts.subList(Math.min(1, parts.size()), parts.size());
  }

  /** Reads the body, an object; no body is one without fields. */
  ObjectNode json() {
    byte[] bytes;
    turn.waitsStill();
    try {
      bytes =
          exchange.getRequestBody().readNBytes((int) Math.min(mostBytes + 1L, Integer.MAX_VALUE));
    } catch (IOException e) {
      throw new Answer.GoneException(e);
    } finally {
      turn.works();
    }
    if (bytes.length > mostBytes) {
      throw new HttpFailure(
          HttpFailure.TOO_LARGE,
          "body_too_large",
          "expected a body of at most " + mostBytes + " bytes, got more");
    }
    if (bytes.length == 0) {
      return JsonNodeFactory.instance.objectNode();
    }
    JsonNode json;
    try {
      json = Json.parse("the body", bytes);
    } catch (CheckpointException e) {
      throw new HttpFailure(HttpFailure.BAD_REQUEST, "invalid_json", e.getMessage());
    }
    if (!json.isObject()) {
      throw new HttpFailure(
          HttpFailure.BAD_REQUEST,
          "invalid_json",
          "expected an object as body, got " + Json.shown(json));
    }
    return (ObjectNode) json;
  }
}
