package org.retention4j.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import org.retention4j.args.Shown;
import org.retention4j.batch.BatchFullException;

/** A request that is answered with an error, as OpenAI's servers write it. */
final class HttpFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  static final int BAD_REQUEST = 400;
  static final int UNAUTHORIZED = 401;
  static final int FORBIDDEN = 403;
  static final int NOT_FOUND = 404;
  static final int WRONG_METHOD = 405;
  static final int CONFLICT = 409;
  static final int TOO_LARGE = 413;
  static final int TOO_MANY = 429;
  static final int BROKEN = 500;
  static final int UNAVAILABLE = 503;
  static final int NO_STORAGE = 507;

  /** Other sequences end any moment. */
  private static final int RETRY_SECONDS = 1;

  private final int status;
  private final String code;
  private final String field;

  /** Where the session stands that is not where it was expected. */
  private OptionalLong position = OptionalLong.empty();

  /** After so many seconds it is worth while to ask again; empty if it does not pass by itself. */
  private Optional<Integer> retryAfter = Optional.empty();

  HttpFailure(int status, String code, String message) {
    this(status, code, message, null, null);
  }

  private HttpFailure(int status, String code, String message, String field, Throwable cause) {
    super(Shown.message(String.valueOf(message)), cause);
    this.status = status;
    this.code = code;
    this.field = field;
  }

  /** A field that is not as it should be; the message says what was expected and what came. */
  static HttpFailure field(String field, String message) {
    return new HttpFailure(BAD_REQUEST, "invalid_value", message, field, null);
  }

  /** A session that stands elsewhere; where is told beside the message. */
  static HttpFailure elsewhere(String session, long expected, long got) {
    HttpFailure failure =
        new HttpFailure(
            CONFLICT,
            "position_differs",
            "expected the session " + session + " at position " + expected + ", got it at " + got,
            "expected_position",
            null);
    failure.position = OptionalLong.of(got);
    return failure;
  }

  /** What became of a request that failed within. */
  static HttpFailure of(Throwable failure) {
    if (failure instanceof HttpFailure own) {
      return own;
    }
    if (failure instanceof BatchFullException) {
      HttpFailure busy = new HttpFailure(TOO_MANY, "busy", failure.getMessage(), null, failure);
      busy.retryAfter = Optional.of(RETRY_SECONDS);
      return busy;
    }
    if (failure instanceof IllegalArgumentException) {
      return new HttpFailure(BAD_REQUEST, "invalid_value", failure.getMessage(), null, failure);
    }
    if (failure instanceof OutOfMemoryError) {
      return new HttpFailure(UNAVAILABLE, "out_of_memory", failure.getMessage(), null, failure);
    }
    return new HttpFailure(BROKEN, "internal_error", failure.toString(), null, failure);
  }

  /** What is not done any more. */
  static HttpFailure stopping() {
    return new HttpFailure(UNAVAILABLE, "stopping", "this server is being stopped");
  }

  int status() {
    return status;
  }

  Optional<Integer> retryAfter() {
    return retryAfter;
  }

  ObjectNode json() {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    ObjectNode error = all.putObject("error");
    error.put("message", getMessage());
    error.put("type", status < BROKEN ? "invalid_request_error" : "server_error");
    error.put("param", field);
    error.put("code", code);
    position.ifPresent(value -> error.put("position", value));
    return all;
  }

  /** A session's file that could not be read or written, and why; where it lies is not told. */
  static HttpFailure storage(String what, String session, IOException e) {
    String reason = Shown.reason(e.getCause() instanceof IOException cause ? cause : e);
    return new HttpFailure(
        NO_STORAGE, "storage", "cannot " + what + " the session " + session + ": " + reason);
  }
}
