package org.retention4j.model;

import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionPass;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.StateConvention;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TilePiece;

/** Multi-scale retention as a token mixer, in a form of its own unless another is asked for. */
public final class RetentionMixer implements TokenMixer {
  private final Engine engine;
  private final RetentionWeights weights;
  private final RetentionForm form;
  private final StateConvention convention;

  /** Puts a mixer on weights, which it closes when it is closed. */
  public RetentionMixer(Engine engine, RetentionWeights weights, RetentionForm form) {
    this.engine = engine;
    this.weights = weights;
    this.form = form;
    convention = weights.config().stateConvention();
  }

  /** Returns a mixer on the same weights in another form; closing either closes the weights. */
  public RetentionMixer withForm(RetentionForm other) {
    return new RetentionMixer(engine, weights, other);
  }

  @Override
  public String name() {
    return "retention-" + form.name();
  }

  @Override
  public int modelWidth() {
    return weights.config().modelWidth();
  }

  @Override
  public long parameters() {
    return weights.config().parameters();
  }

  @Override
  public long weightBytes() {
    return weights.bytes();
  }

  @Override
  public MixerMemory newMemory(int batch, MemoryOptions options) {
    return new Memory(RetentionState.zeros(weights.config(), engine.type(), batch));
  }

  @Override
  public int pieceLength(RetentionForm other, int tokens) {
    return (other == null ? form : other).pieceLength(tokens);
  }

  /** Returns the weights. */
  public RetentionWeights weights() {
    return weights;
  }

  @Override
  public MixerPass bind(RetentionForm other, TilePiece piece) {
    RetentionForm chosen = other == null ? form : other;
    RetentionPass pass = new RetentionPass(engine, weights, chosen, piece);
    int batch = piece.batch();
    return new MixerPass() {
      @Override
      public void check(MixerMemory memory, int[] counts) {
        checked(memory, batch);
      }

      @Override
      public void run(MixerMemory memory, int[] counts) {
        pass.run(checked(memory, batch), counts, null, 0);
      }

      @Override
      public String implementation() {
        return pass.implementation();
      }

      @Override
      public void close() {
        pass.close();
      }
    };
  }

  private RetentionState checked(MixerMemory memory, int batch) {
    RetentionConfig config = weights.config();
    if (!(memory instanceof Memory m) || !m.state.convention().equals(convention)) {
      throw new IllegalArgumentException(
          "expected the memory of a retention mixer of this configuration, got " + memory);
    }
    RetentionState s = m.state;
    if (s.closed()) {
      throw new IllegalArgumentException("expected an open memory, got a closed one");
    }
    if (s.batch() != batch
        || s.heads() != config.heads()
        || s.keyWidth() != config.keyWidth()
        || s.valueWidth() != config.valueWidth()
        || s.type() != engine.type()) {
      throw new IllegalArgumentException(
          String.format(
              "expected a %s memory of batch %d for %d heads of %d x %d, got %s of batch %d"
                  + " for %d heads of %d x %d",
              engine.type(),
              batch,
              config.heads(),
              config.keyWidth(),
              config.valueWidth(),
              s.type(),
              s.batch(),
              s.heads(),
              s.keyWidth(),
              s.valueWidth()));
    }
    return s;
  }

  @Override
  public void close() {
    weights.close();
  }

  /**
   * Returns a copy of the state (B,H,K,V) in a memory.
   *
   * @throws IllegalArgumentException if no retention mixer made it
   */
  public static INDArray copyState(MixerMemory memory) {
    if (!(memory instanceof Memory)) {
      throw new IllegalArgumentException("expected the memory of a retention mixer, got " + memory);
    }
    return state(memory).toArray();
  }

  /** Returns the state in a memory that a retention mixer made; it stays the memory's. */
  static RetentionState state(MixerMemory memory) {
    return ((Memory) memory).state;
  }

  /** A state as it was. */
  private record Moment(Memory of, RetentionState state) implements MixerMemory.Mark {
    @Override
    public long bytes() {
      return state.bytes();
    }

    @Override
    public void close() {
      state.close();
    }
  }

  /** A retention state. */
  private static final class Memory implements MixerMemory {
    private RetentionState state;

    Memory(RetentionState state) {
      this.state = state;
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
    public Memory select(int... rows) {
      return new Memory(state.select(rows));
    }

    @Override
    public Mark mark() {
      return new Moment(this, state.copy());
    }

    @Override
    public void rollback(Mark mark) {
      if (!(mark instanceof Moment moment) || moment.of() != this) {
        throw new IllegalArgumentException("expected a mark of this memory, got another");
      }
      RetentionState old = state;
      state = moment.state().copy();
      old.close();
    }

    @Override
    public void fillRandom(long seed, int position) {
      SplittableRandom random = new SplittableRandom(seed);
      long[] shape = {state.batch(), state.heads(), state.keyWidth(), state.valueWidth()};
      float[] data = new float[(int) (shape[0] * shape[1] * shape[2] * shape[3])];
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) (2 * random.nextDouble() - 1);
      }
      INDArray array = Nd4j.createFromArray(data).reshape(shape).castTo(state.type().dataType());
      long[] positions = new long[state.batch()];
      java.util.Arrays.fill(positions, position);
      RetentionState filled = RetentionState.of(array, positions, state.convention());
      state.close();
      state = filled;
    }

    @Override
    public void close() {
      state.close();
    }

    @Override
    public String toString() {
      return "memory of a retention mixer, " + state.convention();
    }
  }
}
