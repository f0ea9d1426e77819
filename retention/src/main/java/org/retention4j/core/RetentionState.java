package org.retention4j.core;

import java.util.Arrays;
import org.apache.commons.numbers.core.Sum;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Arena;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.HeadState;
import org.retention4j.engine.NativeLibraries;
import org.retention4j.engine.Rows;
import org.retention4j.engine.StateDecay;

/**
 * The state S (B,H,K,V) of a batch of sequences, with each row's position: all that retention
 * remembers. Its size does not depend on the sequences' lengths.
 *
 * <p>States are advanced in place. Tokens that a decoder keeps pending inside are part of the
 * state: {@link #copy()} keeps them, {@link #toArray()} shows the state with them folded in. A
 * state may move between threads but is used by one at a time. Closing it twice does no harm; use
 * after close is an {@link IllegalArgumentException} from the forms and an {@link
 * IllegalStateException} here.
 *
 * <p>A call that fails half-way, for want of memory say, leaves heads that have seen its tokens and
 * others that have not: such a state refuses with an {@link IllegalStateException} to go on and to
 * be copied; {@link #toArray()} still shows it.
 */
public final class RetentionState implements AutoCloseable {
  /** Beyond it angles position·θ have no digits left. */
  public static final long LARGEST_POSITION = 1L << 50;

  private final ElementType type;
  private final int heads;
  private final int keyWidth;
  private final int valueWidth;
  private final StateConvention convention;
  private final HeadState[] states;
  private final long[] start;
  private final long[] position;
  private final Sum[] decay;
  private final boolean fromZero;
  private final Arena arena = new Arena();
  private boolean closed;

  /** Set from when the first head begins to advance until all have. */
  private boolean torn;

  private RetentionState(
      ElementType type,
      int heads,
      int keyWidth,
      int valueWidth,
      StateConvention convention,
      HeadState[] states,
      long[] start,
      long[] position,
      Sum[] decay,
      boolean fromZero) {
    this.type = type;
    this.heads = heads;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    this.convention = convention;
    this.states = states;
    this.start = start;
    this.position = position;
    this.decay = decay;
    this.fromZero = fromZero;
    for (HeadState state : states) {
      arena.account(state.bytes());
    }
  }

  /**
   * Returns a zero state at position 0 for a block.
   *
   * @param batch B, the number of sequences, at least 1
   */
  public static RetentionState zeros(RetentionConfig config, ElementType type, int batch) {
    return zeros(
        type,
        batch,
        config.heads(),
        config.keyWidth(),
        config.valueWidth(),
        config.stateConvention(),
        0);
  }

  /** Returns a zero state at position 0 for the bare core ({@link StateConvention#PLAIN}). */
  public static RetentionState zeros(
      ElementType type, int batch, int heads, int keyWidth, int valueWidth) {
    return zeros(type, batch, heads, keyWidth, valueWidth, StateConvention.PLAIN, 0);
  }

  /**
   * Returns a zero state whose sequences start at a position: the beginning of a segment.
   *
   * @param start position of the first token, at least 0
   * @throws IllegalArgumentException for a size &lt; 1 or a start &lt; 0
   */
  public static RetentionState zeros(
      ElementType type,
      int batch,
      int heads,
      int keyWidth,
      int valueWidth,
      StateConvention convention,
      long start) {
    if (batch < 1 || heads < 1 || keyWidth < 1 || valueWidth < 1) {
      throw new IllegalArgumentException(
          String.format(
              "expected a state (B,H,K,V) with all sizes >= 1, got (%d,%d,%d,%d)",
              batch, heads, keyWidth, valueWidth));
    }
    if (start < 0 || start > LARGEST_POSITION) {
      throw new IllegalArgumentException(
          "expected a start position in 0.." + LARGEST_POSITION + ", got " + start);
    }
    CoreChecks.present("convention", convention);
    HeadState[] states = new HeadState[Math.multiplyExact(batch, heads)];
    Sum[] decay = new Sum[states.length];
    for (int i = 0; i < states.length; i++) {
      states[i] = HeadState.zeros(type, keyWidth, valueWidth);
      decay[i] = Sum.create();
    }
    long[] starts = new long[batch];
    Arrays.fill(starts, start);
    return new RetentionState(
        type, heads, keyWidth, valueWidth, convention, states, starts, starts.clone(), decay, true);
  }

  /**
   * Imports a state that {@link #toArray()}, or another program, gave.
   *
   * @param array (B,H,K,V), FLOAT for an fp32 state or DOUBLE for float64
   * @param positions (B) the number of tokens each sequence has seen, each at least 0
   * @throws IllegalArgumentException for another rank or type, a negative position, or a number of
   *     positions other than B
   */
  public static RetentionState of(INDArray array, long[] positions, StateConvention convention) {
    if (array.rank() != 4 || array.length() == 0) {
      throw new IllegalArgumentException(
          "expected a state of shape (B,H,K,V), got " + Arrays.toString(array.shape()));
    }
    ElementType type = typeOf(array);
    int batch = (int) array.size(0);
    if (positions.length != batch) {
      throw new IllegalArgumentException(
          "expected "
              + batch
              + " positions for a state of batch "
              + batch
              + ", got "
              + positions.length);
    }
    for (long p : positions) {
      if (p < 0 || p > LARGEST_POSITION) {
        throw new IllegalArgumentException(
            "expected positions in 0.." + LARGEST_POSITION + ", got " + p);
      }
    }
    RetentionState state =
        zeros(
            type,
            batch,
            (int) array.size(1),
            (int) array.size(2),
            (int) array.size(3),
            convention,
            0);
    // An imported history is unknown: it can continue, but it is no segment from a zero state.
    RetentionState imported =
        new RetentionState(
            type,
            state.heads,
            state.keyWidth,
            state.valueWidth,
            convention,
            state.states,
            positions.clone(),
            positions.clone(),
            state.decay,
            false);
    state.arena.close();
    imported.fill(array);
    return imported;
  }

  private static ElementType typeOf(INDArray array) {
    for (ElementType type : ElementType.values()) {
      if (type.dataType() == array.dataType()) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "expected a state of type FLOAT or DOUBLE, got " + array.dataType());
  }

  private void fill(INDArray array) {
    Rows rows = Rows.of(array);
    double[] row = new double[valueWidth];
    for (int b = 0; b < batch(); b++) {
      for (int h = 0; h < heads; h++) {
        for (int k = 0; k < keyWidth; k++) {
          for (int v = 0; v < valueWidth; v++) {
            row[v] = rows.get(b, h, k, v);
          }
          head(b, h).writeRow(k, row);
        }
      }
    }
  }

  /** Returns B. */
  public int batch() {
    return start.length;
  }

  /** Returns H. */
  public int heads() {
    return heads;
  }

  /** Returns K. */
  public int keyWidth() {
    return keyWidth;
  }

  /** Returns V. */
  public int valueWidth() {
    return valueWidth;
  }

  /** Returns the element type. */
  public ElementType type() {
    return type;
  }

  /** Returns what the numbers mean. */
  public StateConvention convention() {
    return convention;
  }

  /** Returns the position of the next token of a row: start plus tokens seen. */
  public long position(int row) {
    return position[row];
  }

  /** Returns the bytes that one sequence's state of a block holds, pending tokens included. */
  public static long bytes(RetentionConfig config, ElementType type) {
    return config.heads() * HeadState.bytes(type, config.keyWidth(), config.valueWidth());
  }

  /** Returns the bytes held, pending tokens included. */
  public long bytes() {
    return arena.bytes();
  }

  /** Returns the bytes of S alone, by formula: B·H·K·V elements. */
  public long formulaBytes() {
    return (long) type.bytes() * states.length * keyWidth * valueWidth;
  }

  /** Returns whether {@link #close()} was called. */
  public boolean closed() {
    return closed;
  }

  HeadState head(int row, int head) {
    return states[row * heads + head];
  }

  /** Returns a head that is about to advance; {@link #settled()} ends what it begins. */
  HeadState advancing(int row, int head) {
    torn = true;
    return head(row, head);
  }

  /** Records that all heads have advanced, and with them the positions. */
  void settled() {
    torn = false;
  }

  /** Refuses a state of which a call that failed has advanced some heads. */
  void requireWhole() {
    if (torn) {
      throw new IllegalStateException(
          "an earlier call failed half-way: this retention state cannot go on, make a new one");
    }
  }

  /** Records that a row saw tokens; the head states were advanced by the form. */
  void moved(int row, int tokens) {
    position[row] += tokens;
  }

  /** Records the log decay a head went through. */
  void decayed(int row, int head, double logDecay) {
    decay[row * heads + head].add(logDecay);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("this retention state is closed");
    }
  }

  /** Returns an independent state that continues bit for bit as this one would. */
  public RetentionState copy() {
    int[] rows = new int[batch()];
    Arrays.setAll(rows, row -> row);
    return select(rows);
  }

  /**
   * Returns an independent state of some of the rows, which may repeat; each continues bit for bit
   * as it would here.
   *
   * @param rows at least one, each in 0…B−1
   */
  public RetentionState select(int... rows) {
    checkOpen();
    requireWhole();
    if (rows.length == 0) {
      throw new IllegalArgumentException("expected at least one row, got none");
    }
    HeadState[] copies = new HeadState[Math.multiplyExact(rows.length, heads)];
    Sum[] sums = new Sum[copies.length];
    long[] starts = new long[rows.length];
    long[] positions = new long[rows.length];
    for (int i = 0; i < copies.length; i++) {
      int row = rows[i / heads];
      if (row < 0 || row >= batch()) {
        throw new IllegalArgumentException("expected rows in 0.." + (batch() - 1) + ", got " + row);
      }
      copies[i] = states[row * heads + i % heads].copy();
      sums[i] = Sum.create().add(decay[row * heads + i % heads]);
      starts[i / heads] = start[row];
      positions[i / heads] = position[row];
    }
    return new RetentionState(
        type, heads, keyWidth, valueWidth, convention, copies, starts, positions, sums, fromZero);
  }

  /**
   * Exports the state as a new array (B,H,K,V) of the state's type. This state is not changed, to
   * the bit.
   */
  public INDArray toArray() {
    checkOpen();
    NativeLibraries.requireNd4j();
    INDArray array =
        Nd4j.createUninitialized(type.dataType(), batch(), heads, keyWidth, valueWidth);
    Rows rows = Rows.of(array);
    double[] row = new double[valueWidth];
    float[] narrow = new float[valueWidth];
    for (int i = 0; i < states.length; i++) {
      HeadState folded = states[i].copy();
      folded.fold();
      for (int k = 0; k < keyWidth; k++) {
        folded.readRow(k, row);
        if (type == ElementType.FLOAT64) {
          rows.write(i / heads, i % heads, k, row);
        } else {
          for (int v = 0; v < valueWidth; v++) {
            narrow[v] = (float) row[v];
          }
          rows.write(i / heads, i % heads, k, narrow);
        }
      }
    }
    return array;
  }

  /**
   * Joins this segment with the one that follows it: (Γ₁,S₁)⊕(Γ₂,S₂) = (Γ₁+Γ₂, e^Γ₂ S₁ + S₂).
   *
   * @param next was computed from a zero state that started where this state ends
   * @return a new state, as if this one had seen next's tokens
   * @throws IllegalArgumentException if next does not start where this one ends, did not begin from
   *     a zero state, or differs in shape, type or convention
   */
  public RetentionState join(RetentionState next) {
    checkOpen();
    CoreChecks.checkUsable(next);
    requireJoinable(next);
    RetentionState joined = copy();
    double[] s1 = new double[valueWidth];
    double[] s2 = new double[valueWidth];
    for (int i = 0; i < states.length; i++) {
      HeadState into = joined.states[i];
      into.fold();
      HeadState add = next.states[i].copy();
      add.fold();
      double decayOfNext = next.decay[i].getAsDouble();
      for (int k = 0; k < keyWidth; k++) {
        into.readRow(k, s1);
        add.readRow(k, s2);
        StateDecay.decayAndAdd(s1, decayOfNext, s2);
        into.writeRow(k, s1);
      }
      joined.decay[i].add(decayOfNext);
    }
    System.arraycopy(next.position, 0, joined.position, 0, batch());
    return joined;
  }

  private void requireJoinable(RetentionState next) {
    if (!next.fromZero) {
      throw new IllegalArgumentException(
          "expected a segment that began from a zero state, got one with an imported history");
    }
    String mine = describe();
    String other = next.describe();
    if (!mine.equals(other) || !convention.equals(next.convention)) {
      throw new IllegalArgumentException(
          "expected a segment like "
              + mine
              + " "
              + convention
              + ", got "
              + other
              + " "
              + next.convention);
    }
    for (int b = 0; b < batch(); b++) {
      if (next.start[b] != position[b]) {
        throw new IllegalArgumentException(
            String.format(
                "expected row %d of the next segment to start at position %d, got %d",
                b, position[b], next.start[b]));
      }
    }
  }

  /** Returns type and shape in words, for messages. */
  String describe() {
    return String.format(
        "%s state (B,H,K,V) = (%d,%d,%d,%d)", type, batch(), heads, keyWidth, valueWidth);
  }

  /** Frees the state. */
  @Override
  public void close() {
    closed = true;
    arena.close();
    Arrays.fill(states, null);
  }
}
