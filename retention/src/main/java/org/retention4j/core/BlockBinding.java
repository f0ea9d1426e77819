package org.retention4j.core;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.ArrayBinding;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.TokenTask;

/** The block on its arrays and state. */
final class BlockBinding implements BoundSequence {
  private final Engine engine;
  private final RetentionWeights weights;
  private final RetentionForm form;
  private final BlockInput input;
  private final RetentionState state;
  private final ArrayBinding arrays;

  /** Binds; everything was checked. */
  BlockBinding(
      Engine engine,
      RetentionWeights weights,
      RetentionForm form,
      BlockInput input,
      RetentionState state,
      INDArray y) {
    this.engine = engine;
    this.weights = weights;
    this.form = form;
    this.input = input;
    this.state = state;
    int tokens = (int) input.x().size(1);
    arrays =
        new ArrayBinding(
            engine,
            NdArrays.view(input.x()),
            NdArrays.view(y),
            input.lengths(),
            tokens,
            form.microBatches().tokens(tokens),
            false,
            Plan::new);
  }

  @Override
  public void step() {
    arrays.step();
  }

  @Override
  public String implementation() {
    return arrays.implementation();
  }

  @Override
  public void close() {
    arrays.close();
  }

  /** The block on a micro-batch of tokens. */
  private final class Plan implements ArrayBinding.Plan {
    private final Stream keyValues;
    private final RetentionPlan plan;
    private final Decays[] decays;

    Plan(MicroBatch piece) {
      keyValues = input.keyValues().map(array -> new Stream(piece, array)).orElse(null);
      boolean bound = false;
      try {
        Tile second = keyValues == null ? piece.x() : keyValues.tile;
        plan = new RetentionPlan(engine, weights, form, piece, second);
        LogDecay decay = input.decay().orElse(weights.config().decay().logDecay());
        decays = plan.decays(decay, input.resets());
        bound = true;
      } finally {
        if (!bound && keyValues != null) {
          keyValues.close();
        }
      }
    }

    @Override
    public void check(int[] lengths) {
      CoreChecks.checkUsable(state);
      weights.requireOpen();
      if (keyValues != null) {
        keyValues.array.requireOpen();
      }
      decays[0].check(lengths);
    }

    @Override
    public void run(int[] counts, long from) {
      if (keyValues != null) {
        keyValues.read(counts, from);
      }
      plan.run(state, counts, decays, from);
    }

    @Override
    public String implementation() {
      return plan.implementation();
    }

    @Override
    public void close() {
      plan.close();
      if (keyValues != null) {
        keyValues.close();
      }
    }
  }

  /** A second stream of inputs, copied into a tile of its own. */
  private final class Stream implements AutoCloseable {
    private final Buffers buffers = engine.newBuffers();
    private final Tile tile;
    private final RowView array;
    private final RowView rows;
    private final TokenTask copy = new TokenTask(engine, this::copy);
    private long from;

    Stream(MicroBatch piece, INDArray array) {
      this.array = NdArrays.view(array);
      tile = buffers.tile(piece.rows(), this.array.width());
      rows = tile.asRows(piece.tokens(), this.array.width());
    }

    void read(int[] counts, long first) {
      from = first;
      copy.run(counts);
    }

    private void copy(Lane lane, int b, int t) {
      lane.rows().copy(array, b, from + t, 0, rows, b, t, 0);
    }

    @Override
    public void close() {
      buffers.close();
    }
  }
}
