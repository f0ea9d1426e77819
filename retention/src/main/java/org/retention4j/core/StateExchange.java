package org.retention4j.core;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.snapshot.Fingerprint;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotException;
import org.retention4j.snapshot.SnapshotException.Reason;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/**
 * States as snapshots: to file and back, in this engine or another.
 *
 * <p>A section of a snapshot holds, each number of 8 bytes unless it is one of a type: the type's
 * ordinal; H, K, V; the convention: 1 for scaled keys or 0, layout and schedule of the rotation by
 * ordinal, its base, its channels, the number of constant log decays and these; 1 if all began from
 * zero states or 0; for each row its start and its position. Then for each head of each row the log
 * decay since the start, the number of pending tokens n, the log decay over them, and for each of
 * them the log decay since, its key (K) and its value (V); then S (K,V) as it was before them, row
 * by row. Who cannot keep tokens pending adds them: S ← e^d S + Σ e^(since_i) k_iᵀ v_i.
 *
 * <p>A second section, which readers skip, can say what comes of that, for other programs: the
 * type's ordinal; H, K, V; then (B,H,K,V) with nothing pending, each row of V filled up to a
 * multiple of 8 bytes.
 *
 * @since 0.1
 */
public final class StateExchange {
  /** The tag of sections that hold a retention state. */
  public static final String TAG = "RETN";

  /** The tag of sections that hold a state with all its tokens folded in. */
  public static final String FOLDED_TAG = "FOLD";

  /** More than any engine leaves pending. */
  private static final int MOST_PENDING = 1 << 10;

  /** In the place of a block, where a state of any shape and convention will do. */
  private static final RetentionConfig ANY_BLOCK = null;

  private static final int SHAPE = 4;
  private static final int FIXED = 11;
  private static final int OF_ROW = 2;
  private static final int OF_HEAD = 3;

  private StateExchange() {}

  /** Writes all rows of a state to a channel, to the bit. */
  public static void save(RetentionState state, WritableByteChannel to) throws IOException {
    save(state, to, NumberType.of(state.type()), state.allRows());
  }

  /**
   * Writes some rows of a state to a channel, which stays the caller's.
   *
   * @param type numbers are rounded to it, those of pending tokens too; positions and decays are
   *     not
   * @param rows each in 0…B−1
   * @throws IllegalStateException after close, or for a state of which a call failed half-way
   */
  public static void save(
      RetentionState state, WritableByteChannel to, NumberType type, int... rows)
      throws IOException {
    save(state, to, type, false, rows);
  }

  /**
   * The same, and behind it the state with all its tokens folded in, for other programs, which
   * {@link #load} skips.
   */
  public static void saveFolded(
      RetentionState state, WritableByteChannel to, NumberType type, int... rows)
      throws IOException {
    save(state, to, type, true, rows);
  }

  private static void save(
      RetentionState state, WritableByteChannel to, NumberType type, boolean folded, int... rows)
      throws IOException {
    state.requireWhole();
    List<Long> positions = Arrays.stream(rows).mapToObj(state::position).toList();
    List<SnapshotSection> sections = new ArrayList<>(List.of(section(state, 0, type, rows)));
    if (folded) {
      sections.add(foldedSection(state, 0, type, rows));
    }
    Map<String, String> about = Map.of("route", state.engine().route().name(), "type", type.name());
    SnapshotHeader header =
        new SnapshotHeader(SnapshotHeader.STATE, Fingerprint.NONE, positions, about, sections);
    SnapshotWriter writer = new SnapshotWriter(to, header);
    write(state, writer.begin(), type, rows);
    if (folded) {
      writeFolded(state, writer.begin(), type, rows);
    }
    writer.finish();
  }

  /**
   * Reads a state that was saved, whatever engine it was in: with the same kernels it goes on to
   * the bit, else pending tokens are added and numbers rounded.
   *
   * @param from stays the caller's, at the byte behind the snapshot
   * @throws SnapshotException if it is damaged, or no state by itself
   */
  public static RetentionState load(Engine engine, ReadableByteChannel from) throws IOException {
    Args.present("engine", engine);
    SnapshotReader reader = new SnapshotReader(from, -1, Long.MAX_VALUE);
    reader.require(SnapshotHeader.STATE, Fingerprint.NONE);
    SnapshotSection section = reader.next(Set.of(TAG));
    if (section == null) {
      throw new SnapshotException(Reason.OTHER_KIND, "expected a state, got none");
    }
    RetentionState state = read(engine, reader, ANY_BLOCK);
    try {
      reader.finish();
      return state;
    } catch (IOException | RuntimeException e) {
      state.close();
      throw e;
    }
  }

  /** Returns the section that {@link #write} fills. */
  public static SnapshotSection section(
      RetentionState state, int index, NumberType type, int... rows) {
    int valueWidth = state.valueWidth();
    long bytes = 8L * (FIXED + state.convention().decays().length);
    for (int row : rows) {
      bytes += 8L * OF_ROW;
      for (int h = 0; h < state.heads(); h++) {
        long pending = state.head(row, h).pending();
        bytes += 8L * (OF_HEAD + pending) + state.keyWidth() * type.bytes(valueWidth);
        bytes += pending * (type.bytes(state.keyWidth()) + type.bytes(valueWidth));
      }
    }
    return new SnapshotSection(TAG, index, true, bytes);
  }

  /** Writes some rows of a state into a section that was begun. */
  public static void write(RetentionState state, SnapshotWriter to, NumberType type, int... rows)
      throws IOException {
    to.put(type.ordinal());
    to.put(state.heads());
    to.put(state.keyWidth());
    to.put(state.valueWidth());
    write(state.convention(), to);
    to.put(state.fromZero() ? 1L : 0L);
    for (int row : rows) {
      to.put(state.start(row));
      to.put(state.position(row));
    }
    for (int row : rows) {
      for (int h = 0; h < state.heads(); h++) {
        to.put(state.totalDecay(row, h));
        write(state.head(row, h), to, type);
      }
    }
  }

  /** Returns the section that {@link #writeFolded} fills. */
  public static SnapshotSection foldedSection(
      RetentionState state, int index, NumberType type, int... rows) {
    long numbers = (long) rows.length * state.heads() * state.keyWidth();
    long bytes = 8L * SHAPE + numbers * type.bytes(state.valueWidth());
    return new SnapshotSection(FOLDED_TAG, index, false, bytes);
  }

  /** Writes some rows with all their tokens folded in, into a section that was begun. */
  public static void writeFolded(
      RetentionState state, SnapshotWriter to, NumberType type, int... rows) throws IOException {
    to.put(type.ordinal());
    to.put(state.heads());
    to.put(state.keyWidth());
    to.put(state.valueWidth());
    for (int row : rows) {
      for (int h = 0; h < state.heads(); h++) {
        writeFolded(state.head(row, h), to, type);
      }
    }
  }

  private static void writeFolded(HeadState head, SnapshotWriter to, NumberType type)
      throws IOException {
    HeadState folded = head.copy();
    try {
      folded.fold();
      double[] row = new double[folded.valueWidth()];
      for (int k = 0; k < folded.keyWidth(); k++) {
        folded.readRow(k, row);
        to.put(type, row, row.length);
      }
    } finally {
      folded.release();
    }
  }

  private static void write(StateConvention convention, SnapshotWriter to) throws IOException {
    Rotation rotation = convention.rotation();
    to.put(convention.keysScaled() ? 1L : 0L);
    to.put(rotation.layout().ordinal());
    to.put(rotation.schedule().ordinal());
    to.put(rotation.base());
    to.put(rotation.channels());
    double[] decays = convention.decays();
    to.put(decays.length);
    for (double decay : decays) {
      to.put(decay);
    }
  }

  private static void write(HeadState head, SnapshotWriter to, NumberType type) throws IOException {
    double[] key = new double[head.keyWidth()];
    double[] row = new double[head.valueWidth()];
    to.put(head.pending());
    to.put(head.pendingDecay());
    for (int i = 0; i < head.pending(); i++) {
      to.put(head.readPending(i, key, row));
      to.put(type, key, key.length);
      to.put(type, row, row.length);
    }
    for (int k = 0; k < key.length; k++) {
      head.readRow(k, row);
      to.put(type, row, row.length);
    }
  }

  /**
   * Reads a state of a block from a section that was begun, as many rows as the snapshot has.
   *
   * @throws SnapshotException if it is of another shape or convention
   */
  public static RetentionState read(Engine engine, SnapshotReader from, RetentionConfig block)
      throws IOException {
    NumberType type = NumberType.values()[(int) from.getLong("a type", 0, 2)];
    long heads = from.getLong("heads", 1, Integer.MAX_VALUE);
    long keyWidth = from.getLong("a key width", 1, Integer.MAX_VALUE);
    long valueWidth = from.getLong("a value width", 1, Integer.MAX_VALUE);
    StateConvention convention = convention(from, heads);
    requireShape(block, heads, keyWidth, valueWidth, convention);
    boolean fromZero = from.getLong("a beginning", 0, 1) == 1;
    int rows = from.header().rows();
    requireRoom(from, rows, heads, keyWidth, type.bytes(valueWidth));
    long[] starts = new long[rows];
    long[] positions = new long[rows];
    for (int row = 0; row < rows; row++) {
      starts[row] = from.getLong("a start", 0, RetentionState.LARGEST_POSITION);
      positions[row] = position(from, row);
    }
    RetentionState.Layout layout =
        new RetentionState.Layout((int) heads, (int) keyWidth, (int) valueWidth, convention);
    RetentionState state = RetentionState.at(engine, layout, starts, positions, fromZero);
    try {
      for (int i = 0; i < rows * heads; i++) {
        int row = i / (int) heads;
        state.accumulateDecay(row, i % (int) heads, decay(from, true));
        read(state.head(row, i % (int) heads), from, type);
      }
      return state;
    } catch (IOException | RuntimeException e) {
      state.close();
      throw e;
    }
  }

  /** Reads the position of a row, which all sections must agree on. */
  private static long position(SnapshotReader from, int row) throws IOException {
    long expected = from.header().positions().get(row);
    long position = from.getLong("a position", 0, RetentionState.LARGEST_POSITION);
    if (position != expected) {
      throw new SnapshotException(
          Reason.DAMAGED, "expected position " + expected + " of row " + row + ", got " + position);
    }
    return position;
  }

  private static StateConvention convention(SnapshotReader from, long heads) throws IOException {
    boolean scaled = from.getLong("scaled keys", 0, 1) == 1;
    Rotation.Layout[] layouts = Rotation.Layout.values();
    Rotation.Schedule[] schedules = Rotation.Schedule.values();
    int layout = (int) from.getLong("a layout", 0, layouts.length - 1);
    int schedule = (int) from.getLong("a schedule", 0, schedules.length - 1);
    double base = from.getDouble();
    int channels = (int) from.getLong("channels", 0, Integer.MAX_VALUE);
    long count = from.getLong("decays", 0, heads);
    if (count * Double.BYTES > from.left()) {
      throw new SnapshotException(Reason.DAMAGED, "expected decays, got the section's end");
    }
    double[] decays = new double[(int) count];
    for (int h = 0; h < count; h++) {
      decays[h] = from.getDouble();
    }
    try {
      return new StateConvention(
          scaled,
          new Rotation(layouts[layout], schedules[schedule], base, channels),
          count == 0 ? Optional.empty() : Optional.of(new LogDecay.PerHead(decays)));
    } catch (IllegalArgumentException e) {
      throw new SnapshotException(Reason.DAMAGED, "expected a convention; " + e.getMessage());
    }
  }

  private static void requireShape(
      RetentionConfig block, long heads, long keyWidth, long valueWidth, StateConvention convention)
      throws SnapshotException {
    if (block == ANY_BLOCK) {
      return;
    }
    boolean fits =
        heads == block.heads()
            && keyWidth == block.keyWidth()
            && valueWidth == block.valueWidth()
            && convention.equals(block.stateConvention());
    if (!fits) {
      throw new SnapshotException(
          Reason.OTHER_KIND,
          String.format(
              Locale.ROOT,
              "expected a state (H,K,V) = (%d,%d,%d) of %s, got (%d,%d,%d) of %s",
              block.heads(),
              block.keyWidth(),
              block.valueWidth(),
              block.stateConvention(),
              heads,
              keyWidth,
              valueWidth,
              convention));
    }
  }

  /** Refuses shapes of which the section cannot hold the numbers, before there is room for them. */
  private static void requireRoom(
      SnapshotReader from, long rows, long heads, long keyWidth, long rowBytes)
      throws SnapshotException {
    boolean fits;
    try {
      long least = Math.multiplyExact(Math.multiplyExact(rows, heads), keyWidth);
      fits = Math.multiplyExact(least, rowBytes) <= from.left();
    } catch (ArithmeticException e) {
      fits = false;
    }
    if (!fits) {
      throw new SnapshotException(
          Reason.DAMAGED,
          String.format(
              Locale.ROOT,
              "expected %d rows of %d heads of %d x %d bytes, got a section of %d",
              rows,
              heads,
              keyWidth,
              rowBytes,
              from.left()));
    }
  }

  private static void read(HeadState head, SnapshotReader from, NumberType type)
      throws IOException {
    int count = (int) from.getLong("pending tokens", 0, MOST_PENDING);
    double over = decay(from, false);
    if (count * (type.bytes(head.keyWidth()) + type.bytes(head.valueWidth())) > from.left()) {
      throw new SnapshotException(Reason.DAMAGED, "expected fewer pending tokens, got " + count);
    }
    double[] since = new double[count];
    double[][] keys = new double[count][head.keyWidth()];
    double[][] values = new double[count][head.valueWidth()];
    for (int i = 0; i < count; i++) {
      since[i] = decay(from, true);
      from.get(type, keys[i], head.keyWidth());
      from.get(type, values[i], head.valueWidth());
    }
    double[] row = new double[head.valueWidth()];
    for (int k = 0; k < head.keyWidth(); k++) {
      from.get(type, row, row.length);
      head.writeRow(k, row);
    }
    if (count > 0) {
      head.writePending(over, since, keys, values);
    }
  }

  private static double decay(SnapshotReader from, boolean canBeLost) throws IOException {
    double decay = from.getDouble();
    if (!(decay <= 0) || (decay == Double.NEGATIVE_INFINITY && !canBeLost)) {
      throw new SnapshotException(Reason.DAMAGED, "expected a log decay <= 0, got " + decay);
    }
    return decay;
  }
}
