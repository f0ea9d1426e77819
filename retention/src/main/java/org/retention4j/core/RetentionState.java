package org.retention4j.core;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.commons.numbers.core.Sum;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.HeadState;

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
 *
 * @since 0.1
 */
public final class RetentionState implements AutoCloseable {
  /** Beyond it angles position·θ have no digits left. */
  public static final long LARGEST_POSITION = 1L << 50;

  private final Engine engine;
  private final Layout layout;
  private final HeadState[] states;
  private final long[] start;
  private final long[] position;
  private final Sum[] decay;
  private boolean fromZero;
  private final Buffers buffers;
  private boolean closed;

  /** Set from when the first head begins to advance until all have. */
  private boolean torn;

  /** What all sequences of a state share. */
  record Layout(int heads, int keyWidth, int valueWidth, StateConvention convention) {}

  private RetentionState(
      Engine engine,
      Layout layout,
      HeadState[] states,
      long[] start,
      long[] position,
      Sum[] decay,
      boolean fromZero) {
    this.engine = engine;
    this.layout = layout;
    this.states = states;
    this.start = start;
    this.position = position;
    this.decay = decay;
    this.fromZero = fromZero;
    buffers = engine.newBuffers();
    Arrays.asList(states).forEach(state -> buffers.account(state.bytes()));
  }

  /** Returns a zero state at position 0 for a block and a batch of B ≥ 1 sequences. */
  public static RetentionState zeros(Engine engine, RetentionConfig config, int batch) {
    Args.present("config", config);
    StateConvention convention = config.stateConvention();
    return zeros(
        engine, batch, config.heads(), config.keyWidth(), config.valueWidth(), convention, 0);
  }

  /** Returns a zero state at position 0 for the bare core ({@link StateConvention#PLAIN}). */
  public static RetentionState zeros(
      Engine engine, int batch, int heads, int keyWidth, int valueWidth) {
    return zeros(engine, batch, heads, keyWidth, valueWidth, StateConvention.PLAIN, 0);
  }

  /**
   * Returns a zero state whose sequences start at a position: the beginning of a segment.
   *
   * @throws IllegalArgumentException for a size &lt; 1 or a start &lt; 0
   */
  public static RetentionState zeros(
      Engine engine,
      int batch,
      int heads,
      int keyWidth,
      int valueWidth,
      StateConvention convention,
      long start) {
    CoreChecks.checkStateSizes(batch, heads, keyWidth, valueWidth);
    CoreChecks.checkStart(start);
    Args.present("engine", engine);
    Args.present("convention", convention);
    long[] starts = new long[batch];
    Arrays.fill(starts, start);
    return zeros(engine, new Layout(heads, keyWidth, valueWidth, convention), starts, true);
  }

  private static RetentionState zeros(
      Engine engine, Layout layout, long[] starts, boolean fromZero) {
    HeadState[] states = new HeadState[Math.multiplyExact(starts.length, layout.heads)];
    Sum[] decay = new Sum[states.length];
    for (int i = 0; i < states.length; i++) {
      states[i] = engine.newState(layout.keyWidth, layout.valueWidth);
      decay[i] = Sum.create();
    }
    return new RetentionState(engine, layout, states, starts, starts.clone(), decay, fromZero);
  }

  /**
   * Imports a state that {@link #toArray()}, or another program, gave.
   *
   * @param array (B,H,K,V) of the engine's type
   * @param positions (B) the number of tokens each sequence has seen, each at least 0
   * @throws IllegalArgumentException for another rank, type or number of positions, or one below 0
   */
  public static RetentionState of(
      Engine engine, INDArray array, long[] positions, StateConvention convention) {
    Args.present("engine", engine);
    Args.present("state", array);
    Args.present("positions", positions);
    CoreChecks.checkStateArray(array, engine);
    CoreChecks.checkPositions(positions, (int) array.size(0));
    Args.present("convention", convention);
    Layout layout =
        new Layout((int) array.size(1), (int) array.size(2), (int) array.size(3), convention);
    // An imported history is unknown: it can continue, but it is no segment from a zero state.
    RetentionState imported = zeros(engine, layout, positions.clone(), false);
    return StateArrays.read(array, imported);
  }

  /** Returns B. */
  public int batch() {
    return start.length;
  }

  /** Returns H. */
  public int heads() {
    return layout.heads;
  }

  /** Returns K. */
  public int keyWidth() {
    return layout.keyWidth;
  }

  /** Returns V. */
  public int valueWidth() {
    return layout.valueWidth;
  }

  /** Returns the engine that it was made for. */
  public Engine engine() {
    return engine;
  }

  /** Returns the element type. */
  public ElementType type() {
    return engine.type();
  }

  /** Returns what the numbers mean. */
  public StateConvention convention() {
    return layout.convention;
  }

  /** Returns the position of the next token of a row in 0…B−1: start plus tokens seen. */
  public long position(int row) {
    CoreChecks.checkRow(row, batch());
    return position[row];
  }

  /** Returns the bytes that one sequence's state of a block holds, with pending tokens. */
  public static long bytes(RetentionConfig config, ElementType type) {
    return config.heads() * Engine.stateBytes(type, config.keyWidth(), config.valueWidth());
  }

  /** Returns the bytes held, pending tokens included. */
  public long bytes() {
    return buffers.bytes();
  }

  /** Returns the bytes of S alone, by formula: B·H·K·V elements. */
  public long formulaBytes() {
    return (long) type().bytes() * states.length * layout.keyWidth * layout.valueWidth;
  }

  /** Returns whether it was closed. */
  public boolean closed() {
    return closed;
  }

  HeadState head(int row, int head) {
    return states[row * layout.heads + head];
  }

  /** Returns a head that is about to advance; {@link #settled()} ends what it begins. */
  HeadState advancing(int row, int head) {
    torn = true;
    return head(row, head);
  }

  /** Records that all heads have advanced. */
  void settled() {
    torn = false;
  }

  /** Refuses a state of which a call that failed has advanced some heads. */
  void requireWhole() {
    checkOpen();
    if (torn) {
      throw new IllegalStateException(
          "an earlier call failed half-way: this retention state cannot go on, make a new one");
    }
  }

  /** Moves a row on; the last of the tokens before which it was reset is −1 for none. */
  void advance(int row, int tokens, int lastReset) {
    position[row] = lastReset < 0 ? position[row] + tokens : tokens - lastReset;
  }

  long start(int row) {
    return start[row];
  }

  boolean fromZero() {
    return fromZero;
  }

  void moveTo(int row, long newPosition) {
    position[row] = newPosition;
  }

  /** Returns the log decay that a head went through since its start. */
  double totalDecay(int row, int head) {
    return decay[row * layout.heads + head].getAsDouble();
  }

  /** Records the log decay a head went through. */
  void accumulateDecay(int row, int head, double logDecay) {
    decay[row * layout.heads + head].add(logDecay);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("this retention state is closed");
    }
  }

  /** Returns an independent state that continues bit for bit; S is copied at its next change. */
  public RetentionState copy() {
    return select(allRows());
  }

  /** Returns all rows, in order. */
  int[] allRows() {
    return IntStream.range(0, batch()).toArray();
  }

  /** The same of some of the rows, at least one, each in 0…B−1; they may repeat. */
  public RetentionState select(int... rows) {
    requireWhole();
    Args.present("rows", rows);
    if (rows.length == 0) {
      throw new IllegalArgumentException("expected at least one row, got none");
    }
    IntStream.of(rows).forEach(row -> CoreChecks.checkRow(row, batch()));
    return with(engine, copies(rows), rows);
  }

  private HeadState[] copies(int... rows) {
    int heads = heads();
    HeadState[] copies = new HeadState[Math.multiplyExact(rows.length, heads)];
    Arrays.setAll(copies, i -> head(rows[i / heads], i % heads).copy());
    return copies;
  }

  /** Returns what takes over heads that were copied from some of the rows. */
  private RetentionState with(Engine of, HeadState[] heads, int... rows) {
    Sum[] sums = new Sum[heads.length];
    int each = layout.heads;
    Arrays.setAll(sums, i -> Sum.create().add(decay[rows[i / each] * each + i % each]));
    long[] starts = IntStream.of(rows).mapToLong(row -> start[row]).toArray();
    long[] positions = IntStream.of(rows).mapToLong(row -> position[row]).toArray();
    return new RetentionState(of, layout, heads, starts, positions, sums, fromZero);
  }

  /** Makes zeros whose rows have seen something, to be filled. */
  static RetentionState at(
      Engine engine, Layout layout, long[] starts, long[] positions, boolean fromZero) {
    RetentionState state = zeros(engine, layout, starts, fromZero);
    System.arraycopy(positions, 0, state.position, 0, positions.length);
    return state;
  }

  /**
   * Puts a copy of a row of another state in the place of one of this one.
   *
   * @throws IllegalArgumentException if engine, shape or convention are others, or there is no row
   */
  public void put(int row, RetentionState from, int fromRow) {
    try (RetentionState copy = from.select(fromRow)) {
      exchange(row, copy, 0);
    }
  }

  /** Lets a row and one of another state, or of this one, change places; nothing is copied. */
  public void exchange(int row, RetentionState other, int otherRow) {
    requireWhole();
    other.requireWhole();
    CoreChecks.checkRow(row, batch());
    CoreChecks.checkRow(otherRow, other.batch());
    if (!other.layout.equals(layout) || other.engine != engine) {
      throw new IllegalArgumentException(
          "expected a row of a state like " + describe() + ", got " + other.describe());
    }
    StateArrays.exchange(states, row, other.states, otherRow, layout.heads);
    StateArrays.exchange(decay, row, other.decay, otherRow, layout.heads);
    StateArrays.exchange(start, row, other.start, otherRow, 1);
    StateArrays.exchange(position, row, other.position, otherRow, 1);
    fromZero &= other.fromZero;
    other.fromZero = fromZero;
  }

  /**
   * Lets one sequence begin anew while the others go on: its state is 0 and its position too, as
   * {@link Resets} before its next token would make them.
   */
  public void reset(int row) {
    requireWhole();
    CoreChecks.checkRow(row, batch());
    for (int h = 0; h < layout.heads; h++) {
      head(row, h).wipe();
      accumulateDecay(row, h, Double.NEGATIVE_INFINITY);
    }
    position[row] = 0;
  }

  /** Overwrites what it remembers, a torn one too; it is of no more use then. */
  public void wipe() {
    checkOpen();
    Arrays.asList(states).forEach(HeadState::wipe);
  }

  /** Exports it as a new array (B,H,K,V) of its type; it is not changed, to the bit. */
  public INDArray toArray() {
    checkOpen();
    NdArrays.require();
    return StateArrays.write(this);
  }

  /**
   * Returns an independent state for another engine: as {@link #copy()} where both lay states
   * alike, else laid anew, pending tokens folded, and rounded where the other's type is narrower.
   */
  public RetentionState copyTo(Engine other) {
    Args.present("engine", other);
    requireWhole();
    boolean alike = other.suits(states[0]);
    return with(other, alike ? copies(allRows()) : StateArrays.laidFor(other, this), allRows());
  }

  /**
   * Joins this segment with the one that follows it: (Γ₁,S₁)⊕(Γ₂,S₂) = (Γ₁+Γ₂, e^Γ₂ S₁ + S₂), a new
   * state, as if this one had seen next's tokens.
   *
   * @throws IllegalArgumentException if next does not start where this one ends, did not begin from
   *     a zero state, or differs in shape, type or convention
   */
  public RetentionState join(RetentionState next) {
    checkOpen();
    CoreChecks.checkUsable(next);
    return StateArrays.join(this, next);
  }

  /** Returns type and shape in words, for messages. */
  String describe() {
    String sizes = batch() + "," + heads() + "," + keyWidth() + "," + valueWidth();
    return type() + " state (B,H,K,V) = (" + sizes + ")";
  }

  /** Frees the state. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      buffers.close();
      Arrays.asList(states).forEach(HeadState::release);
      Arrays.fill(states, null);
    }
  }
}
