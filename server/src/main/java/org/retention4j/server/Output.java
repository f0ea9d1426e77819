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

  /** The answer to tokens that a session only reads: where it stands. */
  final class Standing implements Output {
    private final Answer answer;

    Standing(Answer answer) {
      this.answer = answer;
    }

    @Override
    public void alive() {
      answer.alive();
    }

    @Override
    public void take(Event.Token token) {}

    @Override
    public void take(Event.End end) {}

    @Override
    public void end(ObjectNode session) {
      answer.last(session);
    }
  }
}
