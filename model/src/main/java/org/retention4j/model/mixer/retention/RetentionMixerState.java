package org.retention4j.model.mixer.retention;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateExchange;
import org.retention4j.engine.NdArrays;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/** A retention state as what a mixer remembers. */
final class RetentionMixerState implements MixerState {
  private final List<Moment> moments = new ArrayList<>();
  private RetentionState state;

  RetentionMixerState(RetentionState state) {
    this.state = state;
  }

  /** Returns the state, which stays this one's. */
  RetentionState state() {
    return state;
  }

  @Override
  public Optional<INDArray> toArray() {
    return Optional.of(state.toArray());
  }

  /** The state at a moment. */
  private record Moment(RetentionMixerState of, RetentionState state) implements MixerState.Mark {
    @Override
    public long bytes() {
      return state.bytes();
    }

    @Override
    public void close() {
      of.moments.remove(this);
      state.close();
    }
  }

  @Override
  public void wipe() {
    state.wipe();
    moments.forEach(moment -> moment.state().wipe());
  }

  @Override
  public long position(int row) {
    return state.position(row);
  }

  @Override
  public long bytes() {
    return state.bytes();
  }

  @Override
  public long formulaBytes() {
    return state.formulaBytes();
  }

  @Override
  public long room(int row) {
    return RetentionState.LARGEST_POSITION - state.position(row);
  }

  @Override
  public long wholeRoom() {
    return RetentionState.LARGEST_POSITION;
  }

  @Override
  public RetentionMixerState select(int... rows) {
    return new RetentionMixerState(state.select(rows));
  }

  @Override
  public RetentionMixerState select(Mark at, int... rows) {
    return new RetentionMixerState(own(at).state().select(rows));
  }

  @Override
  public void put(int row, MixerState from, int fromRow) {
    state.put(row, ((RetentionMixerState) from).state, fromRow);
  }

  @Override
  public void exchange(int row, MixerState other, int otherRow) {
    state.exchange(row, ((RetentionMixerState) other).state, otherRow);
  }

  @Override
  public SnapshotSection section(int layer, NumberType type, int... rows) {
    return StateExchange.section(state, layer, type, rows);
  }

  @Override
  public void write(SnapshotWriter to, NumberType type, int... rows) throws IOException {
    StateExchange.write(state, to, type, rows);
  }

  @Override
  public Optional<SnapshotSection> foldedSection(int layer, NumberType type, int... rows) {
    return Optional.of(StateExchange.foldedSection(state, layer, type, rows));
  }

  @Override
  public void writeFolded(SnapshotWriter to, NumberType type, int... rows) throws IOException {
    StateExchange.writeFolded(state, to, type, rows);
  }

  @Override
  public void reset(int row) {
    state.reset(row);
  }

  @Override
  public Mark mark() {
    Moment moment = new Moment(this, state.copy());
    moments.add(moment);
    return moment;
  }

  @Override
  public void rollback(Mark mark) {
    RetentionState back = own(mark).state().copy();
    state.close();
    state = back;
  }

  private Moment own(Mark mark) {
    if (mark instanceof Moment moment && moment.of() == this) {
      return moment;
    }
    throw new IllegalArgumentException("expected a mark of this state, got another");
  }

  @Override
  public void fillRandom(long seed, int position) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] shape = {state.batch(), state.heads(), state.keyWidth(), state.valueWidth()};
    float[] data = new float[(int) (shape[0] * shape[1] * shape[2] * shape[3])];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (2 * random.nextDouble() - 1);
    }
    INDArray array =
        Nd4j.createFromArray(data).reshape(shape).castTo(NdArrays.dataType(state.type()));
    long[] positions = new long[state.batch()];
    Arrays.fill(positions, position);
    RetentionState filled = RetentionState.of(state.engine(), array, positions, state.convention());
    state.close();
    state = filled;
  }

  @Override
  public void close() {
    state.close();
  }

  @Override
  public String toString() {
    return "state of a retention mixer, " + state.convention();
  }
}
