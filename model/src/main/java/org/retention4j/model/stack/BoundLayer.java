package org.retention4j.model.stack;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BoundSequence;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.ArrayBinding;
import org.retention4j.nn.MicroBatch;

/**
 * A decoder layer, or the mixer of one by itself, bound to arrays and a state. Used by one thread
 * at a time.
 *
 * @since 0.1
 */
public final class BoundLayer implements BoundSequence {
  private final ArrayBinding arrays;

  /**
   * Binds.
   *
   * @param whole whether all of the layer is bound, or only its mixer
   */
  BoundLayer(
      Engine engine,
      DecoderLayer layer,
      boolean whole,
      SequenceForm form,
      INDArray x,
      MixerState state,
      INDArray y) {
    int tokens = (int) x.size(1);
    int[] lengths = new int[(int) x.size(0)];
    Arrays.fill(lengths, tokens);
    int microBatch = layer.mixer().config().microBatches(form).tokens(tokens);
    ArrayBinding.PlanMaker maker =
        whole
            ? batch -> new Plan(layer, state, residuals(engine, layer, form, batch))
            : batch -> new Plan(layer, state, layer.mixer().bind(form, batch));
    arrays =
        new ArrayBinding(
            engine, NdArrays.view(x), NdArrays.view(y), lengths, tokens, microBatch, whole, maker);
  }

  /** A layer adds to its residuals: outputs are where inputs were. */
  private static MixerPlan residuals(
      Engine engine, DecoderLayer layer, SequenceForm form, MicroBatch batch) {
    return new LayerPlan(
            engine,
            layer,
            form,
            batch.batch(),
            batch.tokens(),
            batch.x(),
            batch.scratch(),
            batch.bfloat16Products(),
            null)
        .alone();
  }

  private record Plan(DecoderLayer layer, MixerState state, MixerPlan plan)
      implements ArrayBinding.Plan {
    @Override
    public void check(int[] lengths) {
      layer.requireOpen();
      plan.check(state, lengths);
    }

    @Override
    public void run(int[] counts, long from) {
      layer.requireOpen();
      plan.run(state, counts);
    }

    @Override
    public String implementation() {
      return plan.implementation();
    }

    @Override
    public void close() {
      plan.close();
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the state is closed, too small or of another mixer
   * @throws IllegalStateException after close, of the layer too
   */
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
}
