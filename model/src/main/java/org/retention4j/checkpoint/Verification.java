package org.retention4j.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.ReferenceBlock;
import org.retention4j.core.ReferenceRetention;
import org.retention4j.core.RelativeError;
import org.retention4j.core.Retention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.engine.Engine;
import org.retention4j.model.BoundLayer;
import org.retention4j.model.DecoderLayer;
import org.retention4j.model.MixerMemory;
import org.retention4j.model.RetentionMixer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * Holds the three forms against the plain float64 reference on a checkpoint's own weights, layer by
 * layer, one layer in memory at a time. Each layer gets what the float64 engine makes of the layers
 * before it, rounded to fp32, so that a layer's error is its own.
 */
public final class Verification {
  /** Bound of whole layers in float64, outputs and states. */
  private static final double FLOAT64_BOUND = 1e-12;

  /** Bounds of the core on the same q, k and v. */
  private static final double CORE_FLOAT64_BOUND = 1e-13;

  private static final double CORE_FLOAT32_BOUND = 2e-6;

  private static final double FLA_BOUND = 5e-6;
  private static final double TORCHSCALE_BOUND = 2e-6;

  /**
   * What fp32 may do to a block's outputs: the head norm brings small sums of large terms to full
   * size, errors included, so that a single token of an untrained model may be off by 1e-4.
   */
  private static final double BLOCK_OUTPUT_BOUND = 1e-3;

  /** The largest error of a single token is at most so many times the bound. */
  private static final double TOKEN_FACTOR = 4;

  private final Checkpoint checkpoint;
  private final Engine single;
  private final Engine wide;

  /**
   * Makes one.
   *
   * @param single an fp32 engine
   * @param wide a float64 engine
   */
  public Verification(Checkpoint checkpoint, Engine single, Engine wide) {
    this.checkpoint = checkpoint;
    this.single = single;
    this.wide = wide;
  }

  /**
   * What one layer gives in one form.
   *
   * @param form "between" for the largest difference between forms, "attention" for a layer without
   *     retention
   * @param part "core" for retention on the same q, k and v, "block" from x to y, "layer" for a
   *     whole layer
   * @param type of the engine
   * @param output error of the outputs
   * @param state error of the state; 0 for attention
   * @param outputBound of the outputs; of a single token four times as much
   * @param stateBound of the state
   */
  public record Line(
      int layer,
      String form,
      String part,
      String type,
      RelativeError output,
      RelativeError state,
      double outputBound,
      double stateBound) {
    /** Returns whether both errors are within their bounds. */
    public boolean holds() {
      return output.perHead() <= outputBound
          && output.perToken() <= TOKEN_FACTOR * outputBound
          && state.perHead() <= stateBound;
    }
  }

  /** Errors of one engine's forms, as lines of a part. */
  private record Part(
      int layer,
      String name,
      Engine engine,
      double outputBound,
      double stateBound,
      Consumer<Line> each) {
    void line(String form, RelativeError output, RelativeError state) {
      String type = engine.type().name().toLowerCase(Locale.ROOT);
      each.accept(new Line(layer, form, name, type, output, state, outputBound, stateBound));
    }
  }

  /** What a form gives. */
  private record Given(INDArray output, INDArray state) {}

  /** Returns the bound of the fp32 engine for a checkpoint's family. */
  private double float32Bound() {
    return checkpoint.family().equals("torchscale") ? TORCHSCALE_BOUND : FLA_BOUND;
  }

  /**
   * Runs a text through all layers.
   *
   * @param tokens at least one, within the vocabulary
   * @param each receives the lines as they come
   * @return whether every bound holds
   */
  public boolean run(int[] tokens, Consumer<Line> each) {
    int d = checkpoint.config().modelWidth();
    boolean[] holds = {true};
    Consumer<Line> counting =
        line -> {
          holds[0] &= line.holds();
          each.accept(line);
        };
    try (CheckpointFiles files = checkpoint.files()) {
      INDArray x = Nd4j.createFromArray(checkpoint.embed(tokens, files)).castTo(DataType.FLOAT);
      x = x.reshape(1, tokens.length, d);
      for (int i = 0; i < checkpoint.config().layers().size(); i++) {
        x = layer(i, x, files, counting);
      }
    }
    return holds[0];
  }

  private INDArray layer(int index, INDArray x, CheckpointFiles files, Consumer<Line> each) {
    LoadOptions asInFile = LoadOptions.DEFAULT;
    try (DecoderLayer narrow = checkpoint.loadLayer(index, files, single, asInFile);
        DecoderLayer exact = checkpoint.loadLayer(index, files, wide, asInFile)) {
      if (checkpoint.config().layers().get(index).retains()) {
        retention(index, narrow, exact, normed(x, exact), each);
        return advance(exact, x.castTo(DataType.DOUBLE)).castTo(DataType.FLOAT);
      }
      INDArray y = advance(exact, x.castTo(DataType.DOUBLE));
      RelativeError error = RelativeError.ofTokens(advance(narrow, x), y);
      RelativeError none = new RelativeError(0, 0);
      double bound = float32Bound();
      new Part(index, "layer", single, bound, bound, each).line("attention", error, none);
      return y.castTo(DataType.FLOAT);
    }
  }

  /** Returns RMSNorm(x) as the mixer gets it, rounded to fp32. */
  private INDArray normed(INDArray x, DecoderLayer layer) {
    int d = (int) x.size(2);
    int tokens = (int) x.size(1);
    float[] y = new float[tokens * d];
    for (int t = 0; t < tokens; t++) {
      double squares = 0;
      for (int i = 0; i < d; i++) {
        squares += x.getDouble(0, t, i) * x.getDouble(0, t, i);
      }
      double factor = 1 / Math.sqrt(squares / d + checkpoint.config().normEps());
      for (int i = 0; i < d; i++) {
        y[t * d + i] = (float) (x.getDouble(0, t, i) * factor * layer.mixerNorm()[i]);
      }
    }
    return Nd4j.createFromArray(y).reshape(1, tokens, d);
  }

  private void retention(
      int index, DecoderLayer narrow, DecoderLayer exact, INDArray x, Consumer<Line> each) {
    RetentionMixer mixer = (RetentionMixer) exact.mixer();
    ReferenceBlock.Result expected =
        ReferenceBlock.forward(
            mixer.weights().config(), mixer.weights().unpack(), x, null, null, null, null);
    Given block = new Given(expected.output(), expected.state());
    hold(
        new Part(index, "block", single, BLOCK_OUTPUT_BOUND, float32Bound(), each),
        block,
        form -> block(single, narrow, x, form));
    hold(
        new Part(index, "block", wide, FLOAT64_BOUND, FLOAT64_BOUND, each),
        block,
        form -> block(wide, exact, x, form));
    core(index, mixer, x, each);
  }

  /** Holds each form to what is expected, and all of them to the first. */
  private static void hold(Part part, Given expected, Function<RetentionForm, Given> giving) {
    RelativeError outputs = new RelativeError(0, 0);
    RelativeError states = new RelativeError(0, 0);
    Given first = null;
    for (Map.Entry<String, RetentionForm> form : forms().entrySet()) {
      Given given = giving.apply(form.getValue());
      part.line(
          form.getKey(),
          RelativeError.ofTokens(given.output(), expected.output()),
          RelativeError.ofStates(given.state(), expected.state()));
      first = first == null ? given : first;
      outputs = outputs.orWorse(RelativeError.ofTokens(given.output(), first.output()));
      states = states.orWorse(RelativeError.ofStates(given.state(), first.state()));
    }
    part.line("between", outputs, states);
  }

  private static Given block(Engine engine, DecoderLayer layer, INDArray x, RetentionForm form) {
    RetentionWeights weights = ((RetentionMixer) layer.mixer()).weights();
    MultiScaleRetention block = new MultiScaleRetention(engine, weights);
    try (RetentionState state = block.newState(1)) {
      INDArray y = block.forward(form, x.castTo(engine.type().dataType()), state);
      return new Given(y, state.toArray());
    }
  }

  /** Holds the bare core on this layer's q, k and v, rounded to fp32, before any norm. */
  private void core(int index, RetentionMixer mixer, INDArray x, Consumer<Line> each) {
    RetentionConfig c = mixer.weights().config();
    RetentionParameters w = mixer.weights().unpack();
    INDArray q = project(x, w.query(), c.heads(), c.keyWidth());
    INDArray k = project(x, w.key(), c.kvHeads(), c.keyWidth());
    INDArray v = project(x, w.value(), c.kvHeads(), c.valueWidth());
    LogDecay decay = c.decay().logDecay();
    ReferenceRetention.Result expected =
        ReferenceRetention.advance(q, k, v, decay, c.scale(), null, null);
    Given reference = new Given(expected.output(), expected.state());
    for (Engine engine : List.of(single, wide)) {
      double bound = engine == single ? CORE_FLOAT32_BOUND : CORE_FLOAT64_BOUND;
      DataType type = engine.type().dataType();
      hold(
          new Part(index, "core", engine, bound, bound, each),
          reference,
          form -> {
            try (RetentionState state =
                RetentionState.zeros(engine.type(), 1, c.heads(), c.keyWidth(), c.valueWidth())) {
              INDArray o =
                  Retention.advance(
                      engine,
                      form,
                      q.castTo(type),
                      k.castTo(type),
                      v.castTo(type),
                      decay,
                      c.scale(),
                      state,
                      null);
              return new Given(o, state.toArray());
            }
          });
    }
  }

  /** Returns x·Wᵀ, rounded to fp32, as (1,T,heads,width). */
  private static INDArray project(INDArray x, INDArray w, int heads, int width) {
    INDArray rows = x.castTo(DataType.DOUBLE).reshape(x.size(1), x.size(2));
    INDArray product = rows.mmul(w.castTo(DataType.DOUBLE).transpose());
    return product.castTo(DataType.FLOAT).reshape(1, x.size(1), heads, width);
  }

  private static Map<String, RetentionForm> forms() {
    Map<String, RetentionForm> forms = new LinkedHashMap<>();
    forms.put("parallel", new ParallelForm());
    forms.put("recurrent", new RecurrentForm());
    forms.put("chunkwise", new ChunkwiseForm(16));
    return forms;
  }

  private static INDArray advance(DecoderLayer layer, INDArray x) {
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    try (MixerMemory memory = layer.mixer().newMemory(1, (int) x.size(1));
        BoundLayer bound = layer.bind(x, memory, y)) {
      bound.step();
    }
    return y;
  }
}
