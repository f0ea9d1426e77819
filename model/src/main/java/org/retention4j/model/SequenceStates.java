package org.retention4j.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.stack.DecoderLayer;

/** What the layers remember of a batch of sequences, with moments to come back to. */
final class SequenceStates implements AutoCloseable {
  private final MixerState[] states;
  private final int batch;
  private final Deque<Moment> moments = new ArrayDeque<>();

  private SequenceStates(MixerState[] states, int batch) {
    this.states = states;
    this.batch = batch;
  }

  /** Returns the states of sequences that have seen nothing. */
  static SequenceStates of(List<DecoderLayer> layers, int batch, KvCacheOptions cache) {
    if (batch < 1) {
      throw new IllegalArgumentException("expected batch >= 1, got " + batch);
    }
    return new SequenceStates(all(layers, layer -> layer.mixer().newState(batch, cache)), batch);
  }

  /** Takes states over. */
  static SequenceStates of(List<MixerState> states, int batch) {
    return new SequenceStates(states.toArray(new MixerState[0]), batch);
  }

  /** Makes a state of each; if one fails, those made before it are freed. */
  private static <T> MixerState[] all(List<T> sources, Function<T, MixerState> make) {
    MixerState[] made = new MixerState[sources.size()];
    int i = 0;
    try {
      for (; i < made.length; i++) {
        made[i] = make.apply(sources.get(i));
      }
      return made;
    } finally {
      if (i < made.length) {
        Arrays.stream(made, 0, i).forEach(MixerState::close);
      }
    }
  }

  /** Returns one for each layer. */
  MixerState[] layers() {
    return states;
  }

  int batch() {
    return batch;
  }

  void requireRow(int row) {
    if (row < 0 || row >= batch) {
      throw new IllegalArgumentException("expected a row in 0.." + (batch - 1) + ", got " + row);
    }
  }

  /** Returns copies of some rows, which may repeat. */
  SequenceStates select(int... rows) {
    requireRows(rows);
    return new SequenceStates(all(Arrays.asList(states), state -> state.select(rows)), rows.length);
  }

  /** Returns copies of some rows as they were at a checked moment. */
  SequenceStates select(Moment at, int... rows) {
    requireRows(rows);
    int[] layer = {0};
    return new SequenceStates(
        all(Arrays.asList(states), state -> state.select(at.parts.get(layer[0]++), rows)),
        rows.length);
  }

  /** Refuses rows that are not there, and none. */
  void requireRows(int... rows) {
    Args.present("rows", rows);
    if (rows.length == 0) {
      throw new IllegalArgumentException("expected at least one row, got none");
    }
    for (int row : rows) {
      requireRow(row);
    }
  }

  /** Refuses others of which no row can be put here. */
  void requireLike(SequenceStates from) {
    for (int i = 0; i < states.length; i++) {
      states[i].requireLike(from.states[i]);
    }
  }

  /** Puts a copy of a row of others of the same model in the place of one of these. */
  void put(int row, SequenceStates from, int fromRow) {
    for (int i = 0; i < states.length; i++) {
      states[i].put(row, from.states[i], fromRow);
    }
  }

  /** Lets a row change places with one of others of the same model, or of these. */
  void exchange(int row, SequenceStates other, int otherRow) {
    for (int i = 0; i < states.length; i++) {
      states[i].exchange(row, other.states[i], otherRow);
    }
  }

  /** Refuses to change a row while a moment is open. */
  void requireUnmarked() {
    if (!moments.isEmpty()) {
      throw new IllegalStateException("expected no open mark of this session, got one");
    }
  }

  /** Returns all rows, in order. */
  int[] allRows() {
    int[] rows = new int[batch];
    Arrays.setAll(rows, row -> row);
    return rows;
  }

  /** Returns the number of tokens a row has seen since its sequence began. */
  long position(int row) {
    requireRow(row);
    return states[0].position(row);
  }

  /** Returns how many tokens more a row may see. */
  long room(int row) {
    requireRow(row);
    long room = Long.MAX_VALUE;
    for (MixerState state : states) {
      room = Math.min(room, state.room(row));
    }
    return room;
  }

  /** Checks the room for what a row sees before its first reset, and for each sequence after it. */
  void requireRoom(int row, int count, Resets resets) {
    int from = 0;
    while (from < count && !resets.at(row, from)) {
      from++;
    }
    requireRoom(row, from);
    for (int start = from; start < count; start = from) {
      from++;
      while (from < count && !resets.at(row, from)) {
        from++;
      }
      for (MixerState state : states) {
        if (from - start > state.wholeRoom()) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "expected sequences of at most %d tokens, the cache's limit, got %d after the"
                      + " reset before token %d of row %d",
                  state.wholeRoom(),
                  from - start,
                  start,
                  row));
        }
      }
    }
  }

  /** Checks the room for tokens of a row that goes on. */
  void requireRoom(int row, long more) {
    for (MixerState state : states) {
      MixerState.checkRoom(state, row, more);
    }
  }

  /** Returns the bytes that states, caches and open moments hold. */
  long bytes() {
    long sum = 0;
    for (MixerState state : states) {
      sum += state.bytes();
    }
    for (Moment moment : moments) {
      sum += moment.bytes();
    }
    return sum;
  }

  /** Returns a copy of a layer's state (B,H,K,V). */
  INDArray state(int layer) {
    if (layer < 0 || layer >= states.length) {
      throw new IllegalArgumentException(
          "expected a layer in 0.." + (states.length - 1) + ", got " + layer);
    }
    return states[layer]
        .toArray()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "expected a layer with a state of fixed size, as of retention, got layer "
                        + layer));
  }

  /** Lets a row begin anew. */
  void reset(int row) {
    requireRow(row);
    for (MixerState state : states) {
      state.reset(row);
    }
  }

  /** A moment of the states, which stays until it is closed. */
  final class Moment implements AutoCloseable {
    private final List<MixerState.Mark> parts = new ArrayList<>();
    private boolean freed;

    private Moment() {
      try {
        for (MixerState state : states) {
          parts.add(state.mark());
        }
      } catch (Throwable e) {
        free();
        throw e;
      }
    }

    private boolean of(SequenceStates all) {
      return SequenceStates.this == all;
    }

    private long bytes() {
      return parts.stream().mapToLong(MixerState.Mark::bytes).sum();
    }

    @Override
    public void close() {
      moments.remove(this);
      free();
    }

    private void free() {
      if (!freed) {
        freed = true;
        parts.forEach(MixerState.Mark::close);
      }
    }
  }

  /** Remembers this moment. */
  Moment moment() {
    Moment moment = new Moment();
    moments.push(moment);
    return moment;
  }

  /**
   * Refuses a moment that cannot be come back to.
   *
   * @throws IllegalArgumentException if it ended or is another's
   */
  void check(Moment moment) {
    if (!moment.of(this) || moment.freed) {
      throw new IllegalArgumentException(
          "expected an open mark of this session, got "
              + (moment.of(this) ? "one that ended" : "one of another session"));
    }
  }

  /** Forgets what was seen since a checked moment, which stays; later ones end. */
  void rollback(Moment moment) {
    while (moments.peek() != moment) {
      moments.pop().free();
    }
    for (int i = 0; i < states.length; i++) {
      states[i].rollback(moment.parts.get(i));
    }
  }

  /** Overwrites what is remembered, and what open moments hold. */
  void wipe() {
    for (MixerState state : states) {
      state.wipe();
    }
  }

  @Override
  public void close() {
    moments.forEach(Moment::free);
    moments.clear();
    for (MixerState state : states) {
      state.close();
    }
  }
}
