package org.retention4j.checkpoint;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.MultiScaleRetention;
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
import org.retention4j.model.OutputHead;
import org.retention4j.model.ReferenceDecoder;
import org.retention4j.model.RetentionMixer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * Holds the three forms, in fp32 and in float64, against the plain float64 reference on a
 * checkpoint's own weights: each layer's core and block by itself, and the whole model from the
 * tokens to the logits, one layer in memory at a time.
 */
public final class Verification {
  /** Bound of whole models and blocks in float64, outputs and states. */
  private static final double FLOAT64_BOUND = 1e-12;

  /** Bounds of the core on the same q, k and v. */
  private static final double CORE_FLOAT64_BOUND = 1e-13;

  private static final double CORE_FLOAT32_BOUND = 2e-6;

  /** Bounds of whole models in fp32, logits and the states of every layer. */
  private static final double FLA_BOUND = 5e-6;

  private static final double TORCHSCALE_BOUND = 2e-6;

  /**
   * Deep and untrained models amplify every rounding, the head norm where large terms cancel. By
   * how much shows in what float64 loses; fp32 may lose so many times that, by the ratio of their
   * epsilons, where this is more than its bound.
   */
  private static final int CONDITION = 4;

  /** log2 of the ratio of the epsilons. */
  private static final int EPSILONS = 52 - 23;

  private final Checkpoint checkpoint;
  private final Engine single;
  private final Engine wide;

  /** The hidden states of the whole model in one form and engine. */
  private record Stream(Engine engine, String form) {}

  private final Map<Stream, INDArray> streams = new HashMap<>();

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

  /** Errors of one engine's forms, as lines of a part. */
  private record Part(
      int layer,
      String name,
      Engine engine,
      double outputBound,
      double stateBound,
      Consumer<VerifiedLine> each) {
    void line(String form, Errors errors) {
      String type = engine.type().name().toLowerCase(Locale.ROOT);
      each.accept(
          new VerifiedLine(
              layer, name, form, type, errors.outputs(), errors.states(), outputBound, stateBound));
    }
  }

  /** What a form gives; the state is null where there is none. */
  private record Given(INDArray output, INDArray state) {}

  /** The errors of what a form gives. */
  private record Errors(RelativeError outputs, RelativeError states) {
    static final Errors NONE = new Errors(new RelativeError(0, 0), new RelativeError(0, 0));

    static Errors of(Given a, Given b) {
      return new Errors(
          RelativeError.ofTokens(a.output(), b.output()),
          a.state() == null ? NONE.states : RelativeError.ofStates(a.state(), b.state()));
    }

    Errors orWorse(Errors other) {
      return new Errors(outputs.orWorse(other.outputs), states.orWorse(other.states));
    }

    /** Returns what fp32 may lose where float64 loses this much. */
    static double forFloat32(RelativeError lost) {
      double error = Math.max(lost.perHead(), lost.perToken() / VerifiedLine.TOKEN_FACTOR);
      return CONDITION * Math.scalb(Math.min(error, FLOAT64_BOUND), EPSILONS);
    }
  }

  private double float32Bound() {
    return checkpoint.family().equals("torchscale") ? TORCHSCALE_BOUND : FLA_BOUND;
  }

  /**
   * Runs a text through the model.
   *
   * @param tokens at least one, within the vocabulary
   * @param each receives the lines as they come
   * @return whether every bound holds
   * @throws CheckpointException if a tensor is missing, extra or misshapen, naming it
   */
  public boolean run(int[] tokens, Consumer<VerifiedLine> each) {
    boolean[] holds = {true};
    Consumer<VerifiedLine> counting =
        line -> {
          holds[0] &= line.holds();
          each.accept(line);
        };
    try (CheckpointFiles files = checkpoint.files()) {
      checkpoint.requireTensors(files);
      INDArray x = Nd4j.createFromArray(checkpoint.embed(tokens, files, wide));
      x = x.reshape(1, tokens.length, checkpoint.config().modelWidth());
      for (Engine engine : engines()) {
        for (String form : forms().keySet()) {
          streams.put(new Stream(engine, form), x.castTo(engine.type().dataType()));
        }
      }
      int layers = checkpoint.config().layers().size();
      for (int i = 0; i < layers; i++) {
        x = layer(i, x, files, counting);
      }
      logits(layers, x, files, counting);
    }
    return holds[0];
  }

  private List<Engine> engines() {
    return List.of(single, wide);
  }

  /** Holds a layer and returns what the reference gives. */
  private INDArray layer(
      int index, INDArray x, CheckpointFiles files, Consumer<VerifiedLine> each) {
    try (DecoderLayer narrow = checkpoint.loadLayer(index, files, single);
        DecoderLayer exact = checkpoint.loadLayer(index, files, wide)) {
      ReferenceDecoder.Result expected = ReferenceDecoder.layer(exact, x);
      if (exact.mixer() instanceof RetentionMixer mixer) {
        core(index, mixer, expected.normed().castTo(DataType.FLOAT), each);
      }
      if (expected.state() != null) {
        hold(
            index,
            "block",
            new Given(expected.mixed(), expected.state()),
            (engine, form) ->
                block(
                    engine,
                    engine == single ? narrow : exact,
                    expected.normed(),
                    forms().get(form)),
            each);
      }
      hold(
          index,
          "layer",
          new Given(expected.output(), expected.state()),
          (engine, form) -> advance(engine == single ? narrow : exact, new Stream(engine, form)),
          each);
      return expected.output();
    }
  }

  /** Moves a stream on by a layer; decoding goes token by token. */
  private Given advance(DecoderLayer layer, Stream stream) {
    INDArray x = streams.get(stream);
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    RetentionForm form = forms().get(stream.form());
    int tokens = (int) x.size(1);
    int piece = form instanceof RecurrentForm ? 1 : tokens;
    try (MixerMemory memory = layer.mixer().newMemory(1, tokens)) {
      for (int t = 0; t < tokens; t += piece) {
        INDArray in = tokens(x, t, t + piece);
        INDArray out = tokens(y, t, t + piece);
        try (BoundLayer bound = layer.bind(form, in, memory, out)) {
          bound.step();
        }
      }
      streams.put(stream, y);
      boolean retains = layer.mixer() instanceof RetentionMixer;
      return new Given(y, retains ? RetentionMixer.copyState(memory) : null);
    }
  }

  private static INDArray tokens(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  private void logits(int layers, INDArray x, CheckpointFiles files, Consumer<VerifiedLine> each) {
    try (OutputHead narrow = checkpoint.loadHead(files, single);
        OutputHead exact = checkpoint.loadHead(files, wide)) {
      double eps = checkpoint.config().normEps();
      Given expected = new Given(ReferenceDecoder.logits(exact, eps, x), null);
      hold(
          layers,
          "logits",
          expected,
          (engine, form) -> {
            OutputHead head = engine == single ? narrow : exact;
            return new Given(head.logits(streams.get(new Stream(engine, form))), null);
          },
          each);
    }
  }

  /** Holds float64 to its bound, and fp32 to its own or to what float64 lets expect. */
  private void hold(
      int layer,
      String name,
      Given expected,
      BiFunction<Engine, String, Given> giving,
      Consumer<VerifiedLine> each) {
    Errors lost =
        hold(
            new Part(layer, name, wide, FLOAT64_BOUND, FLOAT64_BOUND, each),
            expected,
            form -> giving.apply(wide, form));
    hold(
        new Part(
            layer,
            name,
            single,
            Math.max(float32Bound(), Errors.forFloat32(lost.outputs())),
            Math.max(float32Bound(), Errors.forFloat32(lost.states())),
            each),
        expected,
        form -> giving.apply(single, form));
  }

  /** Holds each form to what is expected, and all of them to the first; returns the worst. */
  private static Errors hold(Part part, Given expected, Function<String, Given> giving) {
    Errors worst = Errors.NONE;
    Errors between = Errors.NONE;
    Given first = null;
    for (String form : forms().keySet()) {
      Given given = giving.apply(form);
      Errors errors = Errors.of(given, expected);
      part.line(form, errors);
      worst = worst.orWorse(errors);
      first = first == null ? given : first;
      between = between.orWorse(Errors.of(given, first));
    }
    part.line("between", between);
    return worst;
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
  private void core(int index, RetentionMixer mixer, INDArray x, Consumer<VerifiedLine> each) {
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
                      forms().get(form),
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
}
