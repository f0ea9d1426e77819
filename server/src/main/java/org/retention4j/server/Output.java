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
}
