package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;

/** What is under /v1/sessions. */
final class SessionRoutes {
  private static final int OK = 200;
  private static final int CREATED = 201;

  private final Sessions sessions;
  private final Completions completions;

  SessionRoutes(Sessions sessions, Completions completions) {
    this.sessions = sessions;
    this.completions = completions;
  }

  /**
   * Answers.
   *
   * @param path what stands behind /v1/sessions, decoded
   */
  void answer(String method, List<String> path, Request request, Answer answer) {
    if (path.isEmpty()) {
      Routes.requireMethod(method, "GET", "POST");
      if (method.equals("GET")) {
        answer.json(OK, list());
      } else {
        Fields fields = new Fields(request.json());
        fields.requireKnown(Set.of("name"));
        answer.json(CREATED, sessions.create(name(fields)).json());
      }
      return;
    }
    String name = path.get(0);
    if (path.size() == 1) {
      Routes.requireMethod(method, "GET", "DELETE");
      if (method.equals("GET")) {
        answer.json(OK, sessions.get(name).json());
      } else {
        answer.json(OK, delete(name));
      }
      return;
    }
    if (path.size() > 2) {
      throw Routes.noSuchPath();
    }
    switch (path.get(1)) {
      case "append", "generate", "fork", "save", "restore" -> {
        Routes.requireMethod(method, "POST");
        ObjectNode body = request.json(); // before the session is taken: it may come slowly
        act(name, path.get(1), body, answer);
      }
      default -> throw Routes.noSuchPath();
    }
  }

  private static String name(Fields fields) {
    return fields
        .text("name")
        .orElseThrow(() -> HttpFailure.field("name", "expected a name, got none"));
  }

  private ObjectNode list() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("object", "list");
    ArrayNode data = json.putArray("data");
    sessions.list().forEach(session -> data.add(session.json()));
    return json;
  }

  private ObjectNode delete(String name) {
    return sessions.with(
        name,
        session -> {
          sessions.delete(session);
          ObjectNode json = JsonNodeFactory.instance.objectNode();
          json.put("object", "session");
          json.put("name", name);
          json.put("deleted", true);
          return json;
        });
  }

  private void act(String name, String what, ObjectNode body, Answer answer) {
    Fields fields = new Fields(body);
    sessions.with(
        name,
        session -> {
          switch (what) {
            case "append" ->
                completions.append(
                    session, sessions.load(session), sessions.memory(), body, answer);
            case "generate" ->
                completions.generate(
                    session, sessions.load(session), sessions.memory(), body, answer);
            case "fork" -> {
              fields.requireKnown(Set.of("name"));
              answer.json(CREATED, sessions.fork(session, name(fields)).json());
            }
            case "save" -> {
              fields.requireKnown(Set.of());
              sessions.saveNow(session);
              answer.json(OK, session.json());
            }
            default -> {
              fields.requireKnown(Set.of());
              sessions.restore(session);
              answer.json(OK, session.json());
            }
          }
          return null;
        });
  }
}
