package org.retention4j.checkpoint;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
   * What fp32 does to hidden states inside a model is reported: the head norm brings small sums of
   * large terms to full size, errors included, and only the logits have a bound.
   */
  private static final double REPORTED = Double.POSITIVE_INFINITY;

  private static final RelativeError NONE = new RelativeError(0, 0);

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
    void line(String form, RelativeError output, RelativeError state) {
      String type = engine.type().name().toLowerCase(Locale.ROOT);
      each.accept(
          new VerifiedLine(layer, name, form, type, output, state, outputBound, stateBound));
    }
  }

  /** What a form gives; the state is null where there is none. */
  private record Given(INDArray output, INDArray state) {}

  private double bound(Engine engine) {
    if (engine == wide) {
      return FLOAT64_BOUND;
    }
    return checkpoint.family().equals("torchscale") ? TORCHSCALE_BOUND : FLA_BOUND;
  }

  /**
   * Runs a text through the model.
   *
   * @param tokens at least one, within the vocabulary
   * @param each receives the lines as they come
   * @return whether every bound holds
   */
  public boolean run(int[] tokens, Consumer<VerifiedLine> each) {
    boolean[] holds = {true};
    Consumer<VerifiedLine> counting =
        line -> {
          holds[0] &= line.holds();
          each.accept(line);
        };
    try (CheckpointFiles files = checkpoint.files()) {
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
      for (Engine engine : engines()) {
        DecoderLayer layer = engine == single ? narrow : exact;
        double outputs = engine == single ? REPORTED : FLOAT64_BOUND;
        if (expected.state() != null) {
          hold(
              new Part(index, "block", engine, outputs, bound(engine), each),
              new Given(expected.mixed(), expected.state()),
              form -> block(engine, layer, expected.normed(), forms().get(form)));
        }
        hold(
            new Part(index, "layer", engine, outputs, bound(engine), each),
            new Given(expected.output(), expected.state()),
            form -> advance(layer, new Stream(engine, form)));
      }
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
      for (Engine engine : engines()) {
        OutputHead head = engine == single ? narrow : exact;
        hold(
            new Part(layers, "logits", engine, bound(engine), 0, each),
            expected,
            form -> new Given(head.logits(streams.get(new Stream(engine, form))), null));
      }
    }
  }

  /** Holds each form to what is expected, and all of them to the first. */
  private static void hold(Part part, Given expected, Function<String, Given> giving) {
    RelativeError outputs = NONE;
    RelativeError states = NONE;
    Given first = null;
    for (String form : forms().keySet()) {
      Given given = giving.apply(form);
      part.line(
          form, RelativeError.ofTokens(given.output(), expected.output()), states(given, expected));
      first = first == null ? given : first;
      outputs = outputs.orWorse(RelativeError.ofTokens(given.output(), first.output()));
      states = states.orWorse(states(given, first));
    }
    part.line("between", outputs, states);
  }

  private static RelativeError states(Given a, Given b) {
    return a.state() == null ? NONE : RelativeError.ofStates(a.state(), b.state());
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
