package org.retention4j.model;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;

/** Refuses what a session is given where it does not fit, before anything is changed. */
final class SessionChecks {
  private final LanguageModel model;
  private final int vocabulary;
  private final int batch;
  private final SequenceStates states;

  SessionChecks(LanguageModel model, SequenceStates states) {
    this.model = model;
    vocabulary = model.config().vocabulary();
    batch = states.batch();
    this.states = states;
  }

  /** Checks (B) rows of tokens that are to be appended, and where sequences begin in them. */
  void rows(int[][] tokens, Resets resets) {
    batch("rows of tokens", tokens == null ? -1 : tokens.length);
    for (int b = 0; b < batch; b++) {
      if (tokens[b] == null) {
        throw new IllegalArgumentException("expected tokens in row " + b + ", got null");
      }
      for (int token : tokens[b]) {
        token(token, b);
      }
    }
    resets.checkShape(batch, Arrays.stream(tokens).mapToInt(row -> row.length).max().orElse(0));
    for (int b = 0; b < batch; b++) {
      states.requireRoom(b, tokens[b].length, resets);
    }
  }

  /** Checks one token for each sequence, or a negative number. */
  void step(int[] tokens) {
    batch("tokens", tokens == null ? -1 : tokens.length);
    for (int b = 0; b < batch; b++) {
      if (tokens[b] >= 0) {
        token(tokens[b], b);
        states.requireRoom(b, 1);
      }
    }
  }

  /** Checks that a row can be put here. */
  void put(int row, Snapshot from, int fromRow) {
    states.requireRow(row);
    SequenceStates others = Args.present("a snapshot", from).of(model).states();
    others.requireRow(fromRow);
    states.requireUnmarked();
    states.requireLike(others);
  }

  /** Checks that a row can change places with another session's. */
  void exchange(int row, SessionChecks other, int otherRow) {
    states.requireRow(row);
    other.states.requireRow(otherRow);
    states.requireUnmarked();
    other.states.requireUnmarked();
    if (other.model != model) {
      throw new IllegalArgumentException("expected a session of this model, got another's");
    }
    states.requireLike(other.states);
  }

  /** A count of −1 stands for null. */
  private void batch(String what, int count) {
    if (count != batch) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %d %s, one per sequence, got %s",
              batch,
              what,
              count < 0 ? null : count));
    }
  }

  private void token(int token, int row) {
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected tokens in 0..%d, the vocabulary, got %d in row %d",
              vocabulary - 1,
              token,
              row));
    }
  }

  /** Checks how many logits there is room for. */
  void logits(int room) {
    if (room < vocabulary) {
      throw new IllegalArgumentException(
          "expected room for " + vocabulary + " logits, the vocabulary, got " + room);
    }
  }
}
