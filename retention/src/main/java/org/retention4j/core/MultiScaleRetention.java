package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Rows;

/**
 * The multi-scale retention block from x to y in any form, over one set of weights (arXiv
 * 2307.08621, §2.2). Immutable; one block serves many states and threads.
 *
 * <p>Arrays have any strides, views included, and the engine's element type. A refused call leaves
 * the state untouched.
 */
public final class MultiScaleRetention {
  private final Engine engine;
  private final RetentionWeights weights;

  /** Puts a block on weights that were packed for this engine; both stay the caller's to close. */
  public MultiScaleRetention(Engine engine, RetentionWeights weights) {
    if (weights.engine() != engine) {
      throw new IllegalArgumentException(
          "expected weights packed for this engine, got weights of another engine");
    }
    this.engine = engine;
    this.weights = weights;
  }

  /** Returns the configuration. */
  public RetentionConfig config() {
    return weights.config();
  }

  /** Returns the weights. */
  public RetentionWeights weights() {
    return weights;
  }

  /** Returns a zero state at position 0 for this block. */
  public RetentionState newState(int batch) {
    return RetentionState.zeros(config(), engine.type(), batch);
  }

  /**
   * Advances a state over x.
   *
   * @param x (B,T,D)
   * @return y (B,T,D), a new array
   */
  public INDArray forward(RetentionForm form, INDArray x, RetentionState state) {
    return forward(form, x, null, state, null);
  }

  /**
   * Advances a state over x.
   *
   * @param x (B,T,D), T may be 0
   * @param decay per token (B,T,H) for gated retention, or null for the configuration's
   * @param state (B,H,K,V), advanced in place
   * @param lengths (B) tokens of each row, 0…T; null when every row has T
   * @return y (B,T,D), a new array; padded tokens are 0
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public INDArray forward(
      RetentionForm form, INDArray x, LogDecay decay, RetentionState state, int[] lengths) {
    CoreChecks.present("x", x);
    INDArray y = Nd4j.create(engine.type().dataType(), x.shape());
    try (BoundRetention bound = bind(form, x, decay, state, lengths, y)) {
      bound.step();
    }
    return y;
  }

  /**
   * Binds the block to its arrays and state; {@link BoundRetention#step()} then allocates nothing.
   *
   * @param y (B,T,D), receives the outputs; x itself, or memory that x and per-token decays do not
   *     share
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   * @see #forward(RetentionForm, INDArray, LogDecay, RetentionState, int[])
   */
  public BoundRetention bind(
      RetentionForm form,
      INDArray x,
      LogDecay decay,
      RetentionState state,
      int[] lengths,
      INDArray y) {
    CoreChecks.present("form", form);
    check(x, decay, state, lengths, y);
    weights.requireOpen();
    return new BoundRetention(engine, weights, form, x, decay, state, lengths, y);
  }

  private void check(INDArray x, LogDecay decay, RetentionState state, int[] lengths, INDArray y) {
    CoreChecks.present("x", x);
    CoreChecks.present("state", state);
    CoreChecks.present("y", y);
    RetentionConfig config = config();
    if (x.rank() != 3 || x.size(2) != config.modelWidth()) {
      throw new IllegalArgumentException(
          "expected x of shape (B,T,"
              + config.modelWidth()
              + "), got "
              + Arrays.toString(x.shape()));
    }
    CoreChecks.checkType("x", x, engine);
    if (!Arrays.equals(y.shape(), x.shape())) {
      throw new IllegalArgumentException(
          "expected y of x's shape "
              + Arrays.toString(x.shape())
              + ", got "
              + Arrays.toString(y.shape()));
    }
    CoreChecks.checkType("y", y, engine);
    CoreChecks.checkUsable(state);
    checkState(state, x.size(0));
    if (decay != null) {
      CoreChecks.checkDecay(decay, x.size(0), x.size(1), config.heads());
      if (decay instanceof LogDecay.PerHead && !decay.equals(config.decay().logDecay())) {
        throw new IllegalArgumentException(
            "expected the configuration's decay or a decay per token, got " + decay);
      }
      if (decay instanceof LogDecay.PerToken && config.normaliseOutput()) {
        throw new IllegalArgumentException(
            "expected a constant decay with normaliseOutput (its √s_p is defined by one),"
                + " got a decay per token");
      }
    }
    CoreChecks.checkLengths(lengths, x.size(0), x.size(1));
    if (Rows.overlap(x, y) && !Rows.same(x, y)) {
      throw new IllegalArgumentException(
          "expected y to be x itself or to have memory of its own, got one that overlaps x");
    }
    CoreChecks.checkApart("y", y, decay);
  }

  private void checkState(RetentionState state, long batch) {
    RetentionConfig config = config();
    boolean fits =
        state.type() == engine.type()
            && state.batch() == batch
            && state.heads() == config.heads()
            && state.keyWidth() == config.keyWidth()
            && state.valueWidth() == config.valueWidth();
    if (!fits) {
      throw new IllegalArgumentException(
          String.format(
              "expected a %s state (B,H,K,V) = (%d,%d,%d,%d), got a %s",
              engine.type(),
              batch,
              config.heads(),
              config.keyWidth(),
              config.valueWidth(),
              state.describe()));
    }
    if (!state.convention().equals(config.stateConvention())) {
      throw new IllegalArgumentException(
          "expected a state of convention "
              + config.stateConvention()
              + ", got "
              + state.convention());
    }
  }
}
