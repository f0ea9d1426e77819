package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** How the events of a run are told to a client. */
interface Output {
  /** Shows that something is being done; a client that has left is found out by it. */
  void alive();

  void take(Event.Token token);

  void take(Event.End end);

  /** Takes how many tokens of the prompt were not read, since a prefix cache knew them. */
  default void cached(int tokens) {}

  /**
   * Ends the answer.
   *
   * @param session where its session stands, null without one
   */
  void end(ObjectNode session);

  /** Ends an answer that has begun with an error, whose status can no more be sent. */
  void fail(HttpFailure failure);

  /** The answer to tokens that a session only reads: where it stands. */
  final class Standing implements Output {
    private static final String TYPE = "application/json";

    private final Answer answer;

    Standing(Answer answer) {
      this.answer = answer;
    }

    @Override
    public void alive() {
      answer.piece(TYPE, " ");
    }

    @Override
    public void take(Event.Token token) {}

    @Override
    public void take(Event.End end) {}

    @Override
    public void end(ObjectNode session) {
      send(session);
    }

    @Override
    public void fail(HttpFailure failure) {
      send(failure.json());
    }

    private void send(ObjectNode json) {
      if (answer.begun()) {
        answer.piece(TYPE, json + "\n");
        answer.end();
      } else {
        answer.json(200, json);
      }
    }
  }
}
