package org.retention4j.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.optimizer.AdamW;
import org.retention4j.train.optimizer.Muon;
import org.retention4j.train.optimizer.Optimizer;
import org.retention4j.train.optimizer.OptimizerStep;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.stack.ModelNames;
import org.retention4j.train.stack.ModelPass;
import org.retention4j.train.tensor.ActivationReport;
import org.retention4j.train.tensor.TensorReport;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Trains a model: it owns weights of its own that change with every step, and gives a {@link
 * LanguageModel} of them when asked. Used by one thread at a time.
 *
 * <p>What comes out depends on the weights, the options and the batches alone: the same bits on any
 * number of lanes.
 *
 * @since 0.1
 */
public final class Trainer implements AutoCloseable {
  /** Added to the norm before it divides the one that is clipped to, as is the custom. */
  private static final double CLIP_EPSILON = 1e-6;

  private final DecoderConfig config;
  private final TrainerOptions options;
  private final int rows;
  private final int length;
  private final Buffers owner;
  private final Parameters parameters;
  private final ModelPass pass;
  private final Optimizer optimizer;
  private final boolean[] allFresh;
  private long steps;
  private long tokens;
  private boolean observed;
  private ActivationReport activations = ActivationReport.NONE;
  private boolean closed;

  private Trainer(
      Engine engine, LanguageModel model, int rows, int length, TrainerOptions options) {
    config = model.config();
    this.options = options;
    this.rows = rows;
    this.length = length;
    allFresh = new boolean[rows];
    Arrays.fill(allFresh, true);
    owner = engine.newBuffers();
    boolean made = false;
    ModelPass bound = null;
    try {
      parameters = ModelPass.parameters(engine, config, owner);
      ModelWeights.copy(model, parameters);
      var shape =
          new ModelPass.Shape(
              rows,
              length,
              options.microBatches(),
              options.checkpointing(),
              options.bf16Products());
      bound = new ModelPass(engine, config, options.form(), shape, parameters);
      pass = bound;
      optimizer = optimizer(engine);
      made = true;
    } finally {
      if (!made) {
        if (bound != null) {
          bound.close();
        }
        owner.close();
      }
    }
  }

  private Optimizer optimizer(Engine engine) {
    return switch (options.optimizer().kind()) {
      case ADAMW -> new AdamW(engine, owner, parameters.list(), this::decays);
      case MUON -> new Muon(engine, owner, parameters.list(), this::decays, ModelNames::isOfLayers);
    };
  }

  private boolean decays(Parameter parameter) {
    return parameter.isMatrix()
        && (options.optimizer().decayEmbedding() || !parameter.name().equals(ModelNames.EMBEDDING));
  }

  /**
   * Begins with the weights of a model, which are copied: the model stays the caller's.
   *
   * @param engine computes; of the model's type
   * @param rows B of every batch
   * @param length T of every batch
   * @throws IllegalArgumentException if the model cannot be trained, for int8 weights for instance
   */
  public static Trainer of(
      Engine engine, LanguageModel model, int rows, int length, TrainerOptions options) {
    Args.present("engine", engine);
    Args.present("model", model);
    Args.present("options of a trainer", options);
    if (rows < 1 || length < 1) {
      throw new IllegalArgumentException(
          "expected batches of B, T >= 1, got " + rows + ", " + length);
    }
    return new Trainer(engine, model, rows, length, options);
  }

  /**
   * Takes one step over as many batches of a source as the options say.
   *
   * @throws IllegalArgumentException for a batch of another shape or tokens that the model does not
   *     have; nothing has changed then, but the source has gone on
   */
  public StepResult step(BatchSource source) {
    List<Batch> batches = new ArrayList<>();
    for (int i = 0; i < options.microBatches(); i++) {
      batches.add(source.next());
    }
    return step(batches);
  }

  /**
   * Takes one step over batches, as many as the options say. Where the gradient is not finite,
   * weights and moments stay as they are, and the result's norm says so.
   */
  public StepResult step(List<Batch> batches) {
    requireOpen();
    if (batches.size() != options.microBatches()) {
      throw new IllegalArgumentException(
          "expected " + options.microBatches() + " batches a step, got " + batches.size());
    }
    int labelled = 0;
    for (Batch batch : batches) {
      check(batch);
      labelled += batch.labelled();
    }
    if (labelled == 0) {
      throw new IllegalArgumentException("expected at least one labelled token in a step, got 0");
    }
    pass.measure(observed);
    double loss = 0;
    for (int i = 0; i < batches.size(); i++) {
      Batch batch = batches.get(i);
      Segment segment = new Segment(i, batch.starts(), batch.fresh(), true);
      loss += pass.run(batch.tokens(), batch.targets(), segment, 1.0 / labelled);
    }
    activations = pass.report();
    double norm = optimizer.gradientNorm();
    double rate = options.rate() * options.schedule().factor(steps + 1);
    double clip = Math.min(1, options.clipNorm() / (norm + CLIP_EPSILON));
    if (Double.isFinite(norm)) {
      optimizer.step(new OptimizerStep(options.optimizer(), rate, clip, steps + 1), observed);
    } else {
      optimizer.discard();
    }
    steps++;
    tokens += (long) rows * length * batches.size();
    return new StepResult(steps, tokens, loss / labelled, norm, clip < 1, rate);
  }

  private void check(Batch batch) {
    if (batch.rows() != rows || batch.length() != length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected batches of %d x %d tokens, got one of %d x %d",
              rows,
              length,
              batch.rows(),
              batch.length()));
    }
    for (int b = 0; b < rows; b++) {
      for (int t = 0; t < length; t++) {
        require(batch.tokens()[b][t], 0, "token", b, t);
        require(batch.targets()[b][t], Batch.UNLABELLED, "target", b, t);
      }
    }
  }

  private void require(int id, int least, String what, int b, int t) {
    if (id < least || id >= config.vocabulary()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %ss in %d..%d, got %d at row %d, token %d",
              what,
              least,
              config.vocabulary() - 1,
              id,
              b,
              t));
    }
  }

  /**
   * Returns the mean cross-entropy of a batch's labelled tokens in nats, and changes nothing; all
   * rows begin from nothing.
   *
   * @throws IllegalArgumentException as {@link #step(List)}
   */
  public double evaluate(Batch batch) {
    requireOpen();
    check(batch);
    if (batch.labelled() == 0) {
      throw new IllegalArgumentException("expected at least one labelled token, got 0");
    }
    Resets starts = batch.starts();
    double loss =
        pass.evaluate(batch.tokens(), batch.targets(), new Segment(0, starts, allFresh, false));
    return loss / batch.labelled();
  }

  /** Returns a model of the weights as they are now, in the engine's type; the caller closes it. */
  public LanguageModel model() {
    requireOpen();
    return ModelWeights.model(config, parameters);
  }

  /** Returns the weights, which change with every step. */
  public List<TrainedTensor> weights() {
    requireOpen();
    return List.copyOf(parameters.list());
  }

  /** Returns what else a run needs to go on: moments of the optimizer, carried states. */
  public List<TrainedTensor> progress() {
    requireOpen();
    List<TrainedTensor> all = new ArrayList<>(optimizer.moments());
    all.addAll(pass.carried());
    return all;
  }

  /**
   * Has steps tell more in {@link #reports} and {@link #activations} from now on, or not; they cost
   * a little more.
   */
  public void observe(boolean value) {
    observed = value;
  }

  /** Returns what the last step found of each parameter, in the order of {@link #weights}. */
  public List<TensorReport> reports() {
    requireOpen();
    return optimizer.reports();
  }

  /** Returns what the last step found on its way forth, if it was observed. */
  public ActivationReport activations() {
    return activations;
  }

  /** Returns the steps so far. */
  public long steps() {
    return steps;
  }

  /** Returns the tokens so far. */
  public long tokens() {
    return tokens;
  }

  /** Says how far a run had come whose weights and progress were written back. */
  public void resume(long stepsSoFar, long tokensSoFar) {
    steps = stepsSoFar;
    tokens = tokensSoFar;
  }

  /** Returns the bytes of weights, gradients, moments and tiles. */
  public long bytes() {
    return owner.bytes() + pass.bytes() + optimizer.bytes();
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this trainer is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    optimizer.close();
    pass.close();
    owner.close();
  }
}
