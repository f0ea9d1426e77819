package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** The answer to tokens that a session only reads: where it stands. */
final class AppendAnswer implements Output {
  private static final String TYPE = "application/json";

  private final Answer answer;

  AppendAnswer(Answer answer) {
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
