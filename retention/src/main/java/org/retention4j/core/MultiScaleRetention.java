package org.retention4j.core;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;

/**
 * The multi-scale retention block from x to y in any form, over one set of weights (arXiv
 * 2307.08621, §2.2). Immutable; one block serves many states and threads.
 *
 * <p>Arrays have any strides, views included, and the engine's element type. A refused call leaves
 * the state untouched.
 *
 * @since 0.1
 */
public final class MultiScaleRetention implements AutoCloseable {
  private final Engine engine;
  private final RetentionWeights weights;

  /**
   * Puts a block on weights that were packed for this engine; the engine stays the caller's to
   * close.
   *
   * @throws IllegalArgumentException for weights of another engine
   */
  public MultiScaleRetention(Engine engine, RetentionWeights weights) {
    Args.present("engine", engine);
    Args.present("weights", weights);
    if (weights.engine() != engine) {
      throw new IllegalArgumentException(
          "expected weights packed for this engine, got weights of another engine");
    }
    this.engine = engine;
    this.weights = weights;
  }

  /**
   * Returns a block of seeded random weights in fp32 (float64 on a float64 engine), which close
   * with it: to try things out.
   */
  public static MultiScaleRetention random(Engine engine, RetentionConfig config, long seed) {
    Args.present("engine", engine);
    Args.present("config", config);
    WeightType type =
        engine.type() == ElementType.FLOAT32 ? WeightType.FLOAT32 : WeightType.FLOAT64;
    return new MultiScaleRetention(engine, RetentionWeights.random(engine, config, type, seed));
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
    return RetentionState.zeros(engine, config(), batch);
  }

  /**
   * Advances a state over x.
   *
   * @param x (B,T,D), T may be 0
   * @param state (B,H,K,V), advanced in place
   * @return y (B,T,D), a new array
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public INDArray forward(RetentionForm form, INDArray x, RetentionState state) {
    return forward(form, BlockInput.of(x), state);
  }

  /**
   * Advances a state over an input.
   *
   * @return y (B,T,D), a new array; padded tokens are 0
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public INDArray forward(RetentionForm form, BlockInput input, RetentionState state) {
    Args.present("input", input);
    INDArray y = Nd4j.create(engine.dataType(), input.x().shape());
    try (BoundSequence bound = bind(form, input, state, y)) {
      bound.step();
    }
    return y;
  }

  /**
   * Binds the block to its arrays and state; {@link BoundSequence#step()} then allocates nothing.
   *
   * @param y (B,T,D), receives the outputs; x itself, or memory that x and per-token decays do not
   *     share
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public BoundSequence bind(
      RetentionForm form, BlockInput input, RetentionState state, INDArray y) {
    Args.present("form", form);
    Args.present("input", input);
    check(input, state, y);
    weights.requireOpen();
    return new BlockBinding(engine, weights, form, input, state, y);
  }

  /**
   * Binds the block to a state, one token at a time.
   *
   * @param form the recurrent form, as a rule
   * @throws IllegalArgumentException if the state does not fit this block
   */
  public TokenDecoder decoder(RetentionForm form, RetentionState state) {
    Args.present("state", state);
    CoreChecks.checkUsable(state);
    RetentionConfig config = config();
    INDArray x = Nd4j.create(engine.dataType(), state.batch(), 1, config.modelWidth());
    INDArray y = Nd4j.create(engine.dataType(), x.shape());
    BlockInput input = BlockInput.of(x);
    if (config.twoStreams()) {
      input =
          input.withKeyValues(
              Nd4j.create(engine.dataType(), state.batch(), 1, config.keyValueInput()));
    }
    return new TokenDecoder(bind(form, input, state, y), input, y);
  }

  private void check(BlockInput input, RetentionState state, INDArray y) {
    INDArray x = input.x();
    Args.present("state", state);
    Args.present("y", y);
    RetentionConfig config = config();
    if (x.size(2) != config.modelWidth()) {
      throw new IllegalArgumentException(
          "expected x of shape (B,T,"
              + config.modelWidth()
              + "), got "
              + Arrays.toString(x.shape()));
    }
    CoreChecks.checkType("x", x, engine);
    checkKeyValues(input, y);
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
    input.decay().ifPresent(decay -> checkDecay(decay, x));
    if (NdArrays.overlap(x, y) && !NdArrays.same(x, y)) {
      throw new IllegalArgumentException(
          "expected y to be x itself or to have memory of its own, got one that overlaps x");
    }
    input.decay().ifPresent(decay -> CoreChecks.checkApart("y", y, decay));
  }

  private void checkKeyValues(BlockInput input, INDArray y) {
    RetentionConfig config = config();
    if (config.twoStreams() != input.keyValues().isPresent()) {
      throw new IllegalArgumentException(
          config.twoStreams()
              ? "expected a key/value stream (B,T," + config.keyValueInput() + "), got x alone"
              : "expected x alone, as the configuration has one stream, got a key/value stream");
    }
    input
        .keyValues()
        .ifPresent(
            array -> {
              if (array.size(2) != config.keyValueInput()) {
                throw new IllegalArgumentException(
                    "expected a key/value stream of shape (B,T,"
                        + config.keyValueInput()
                        + "), got "
                        + Arrays.toString(array.shape()));
              }
              CoreChecks.checkType("key/value stream", array, engine);
              if (NdArrays.overlap(array, y) && !NdArrays.same(array, y)) {
                throw new IllegalArgumentException(
                    "expected y to have memory apart from the key/value stream, got one that"
                        + " overlaps it");
              }
            });
  }

  private void checkDecay(LogDecay decay, INDArray x) {
    RetentionConfig config = config();
    decay.checkShape(x.size(0), x.size(1), config.heads());
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
              Locale.ROOT,
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
    CoreChecks.checkState(engine, state);
  }

  /** Closes the weights, once no step is running. */
  @Override
  public void close() {
    weights.close();
  }
}
