package org.retention4j.model.mixer;

import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/**
 * What a mixer remembers of a batch of sequences: a retention state or a key/value cache.
 *
 * @since 0.1
 */
public interface MixerState extends AutoCloseable {
  /** Returns the position of the next token of a row. */
  long position(int row);

  /** Returns how many tokens more a row may see. */
  long room(int row);

  /** Returns how many tokens a row may see that begins anew. */
  long wholeRoom();

  /** Returns the bytes held. */
  long bytes();

  /** Returns the bytes that the positions seen so far need, by formula. */
  long formulaBytes();

  /** Returns a copy of what is remembered, (B,H,K,V); empty where it grows with the length. */
  default Optional<INDArray> toArray() {
    return Optional.empty();
  }

  /**
   * Refuses more tokens than there is room for.
   *
   * @throws IllegalArgumentException with the limit and what a row would have
   */
  static void checkRoom(MixerState state, int row, long more) {
    long position = state.position(row);
    long room = state.room(row);
    if (more > room) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at most %d tokens in row %d, the cache's limit, got %d",
              position + room,
              row,
              position + more));
    }
  }

  /**
   * Returns an independent state of some of the rows, which may repeat; it goes on bit for bit as
   * this one would.
   */
  MixerState select(int... rows);

  /** Returns the same of rows as they were at a mark of this state. */
  default MixerState select(Mark at, int... rows) {
    throw unsaved();
  }

  /**
   * Puts a copy of a row of another state in the place of one of this one, for which no mark is
   * open.
   *
   * @param from of a mixer of the same configuration and engine
   */
  default void put(int row, MixerState from, int fromRow) {
    throw unsaved();
  }

  /**
   * Lets a row and one of another state, or of this one, change places; for neither a mark is open.
   * States that can do without copies do.
   *
   * @param other of a mixer of the same configuration and engine
   */
  default void exchange(int row, MixerState other, int otherRow) {
    try (MixerState mine = select(row)) {
      put(row, other, otherRow);
      other.put(otherRow, mine, 0);
    }
  }

  /**
   * Refuses a state of which no row can be put here.
   *
   * @throws IllegalArgumentException if it is kept otherwise: in another type, say
   */
  default void requireLike(MixerState from) {}

  /** Returns the section of a snapshot that {@link #write} fills. */
  default SnapshotSection section(int layer, NumberType type, int... rows) {
    throw unsaved();
  }

  /**
   * Writes some rows into a section that was begun; with their own type they go on to the bit.
   *
   * @param type numbers are rounded to it
   */
  default void write(SnapshotWriter to, NumberType type, int... rows) throws IOException {
    throw unsaved();
  }

  /**
   * Returns a section beside {@link #section} for programs that know no pending tokens, see {@link
   * #writeFolded}; empty where nothing is ever pending.
   */
  default Optional<SnapshotSection> foldedSection(int layer, NumberType type, int... rows) {
    return Optional.empty();
  }

  /** Writes some rows with all their tokens folded in, into a section that was begun. */
  default void writeFolded(SnapshotWriter to, NumberType type, int... rows) throws IOException {
    throw unsaved();
  }

  private UnsupportedOperationException unsaved() {
    return new UnsupportedOperationException("expected what can be saved, got " + this);
  }

  /** Lets a row begin anew: it has seen nothing then, and the others go on. */
  void reset(int row);

  /** Overwrites all that is remembered, what open marks hold too; it is of no more use then. */
  void wipe();

  /** Returns what {@link #rollback} needs to come back to this moment. */
  Mark mark();

  /**
   * Forgets what was seen since a mark, which stays valid.
   *
   * @throws IllegalArgumentException for a mark of another state
   */
  void rollback(Mark mark);

  /**
   * Fills the state with seeded random numbers, as if every row had seen {@code position} tokens:
   * for measuring at a depth.
   *
   * @throws IllegalArgumentException if position exceeds the limit
   */
  void fillRandom(long seed, int position);

  @Override
  void close();

  /**
   * A moment of a state. One of fixed size shares its numbers with the state until that changes
   * them; a cache notes positions.
   */
  interface Mark extends AutoCloseable {
    /** Returns the bytes held. */
    long bytes();

    @Override
    void close();
  }
}
