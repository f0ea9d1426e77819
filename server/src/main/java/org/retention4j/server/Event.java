package org.retention4j.server;

import java.util.List;
import java.util.Optional;
import org.retention4j.generate.Generation;
import org.retention4j.model.Snapshot;

/** What becomes of the choices of a completion. */
sealed interface Event {
  /** Returns which choice, from 0 on. */
  int choice();

  /** A token that was not chosen, or was. */
  record Scored(int token, double logProbability) {}

  /** A token, with the likeliest ones where they were asked for. */
  record Token(int choice, Scored chosen, String text, List<Scored> likeliest) implements Event {}

  /** The end of a choice. */
  record End(int choice, Generation generation, String rest, Optional<Snapshot> state)
      implements Event {}

  /** The failure of a choice. */
  record Failure(int choice, Throwable cause) implements Event {}
}
