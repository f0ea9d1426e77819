package org.retention4j.checkpoint;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.ReferenceBlock;
import org.retention4j.core.RelativeError;
import org.retention4j.core.RetentionForm;
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
  /** Bound of the float64 engine, outputs and states. */
  public static final double FLOAT64_BOUND = 1e-12;

  private static final double FLA_BOUND = 5e-6;
  private static final double TORCHSCALE_BOUND = 2e-6;

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
   * @param type of the engine
   * @param output error of the outputs
   * @param state error of the state; 0 for attention
   * @param bound of both
   */
  public record Line(
      int layer,
      String form,
      String type,
      RelativeError output,
      RelativeError state,
      double bound) {
    /** Returns whether both errors are within the bound. */
    public boolean holds() {
      return output.perHead() <= bound
          && output.perToken() <= TOKEN_FACTOR * bound
          && state.perHead() <= bound;
    }
  }

  /** Returns the bound of the fp32 engine for a checkpoint's family. */
  public double float32Bound() {
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
      each.accept(new Line(index, "attention", "float32", error, none, float32Bound()));
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
    hold(index, single, narrow, x, expected, float32Bound(), each);
    hold(index, wide, exact, x, expected, FLOAT64_BOUND, each);
  }

  /** Holds each form to the reference, and all of them to the first. */
  private static void hold(
      int index,
      Engine engine,
      DecoderLayer layer,
      INDArray x,
      ReferenceBlock.Result expected,
      double bound,
      Consumer<Line> each) {
    RetentionWeights weights = ((RetentionMixer) layer.mixer()).weights();
    MultiScaleRetention block = new MultiScaleRetention(engine, weights);
    String type = engine.type().name().toLowerCase(Locale.ROOT);
    RelativeError output = new RelativeError(0, 0);
    RelativeError states = new RelativeError(0, 0);
    INDArray firstOutput = null;
    INDArray firstState = null;
    for (Map.Entry<String, RetentionForm> form : forms().entrySet()) {
      try (RetentionState state = block.newState(1)) {
        INDArray y = block.forward(form.getValue(), x.castTo(engine.type().dataType()), state);
        INDArray s = state.toArray();
        each.accept(
            new Line(
                index,
                form.getKey(),
                type,
                RelativeError.ofTokens(y, expected.output()),
                RelativeError.ofStates(s, expected.state()),
                bound));
        if (firstOutput == null) {
          firstOutput = y;
          firstState = s;
        }
        output = output.orWorse(RelativeError.ofTokens(y, firstOutput));
        states = states.orWorse(RelativeError.ofStates(s, firstState));
      }
    }
    each.accept(new Line(index, "between", type, output, states, bound));
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
