package org.retention4j.bench.suite;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.core.LogDecay;
import org.retention4j.core.ReferenceRetention;
import org.retention4j.core.RelativeError;
import org.retention4j.core.Retention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.engine.ElementType;
import org.retention4j.model.BoundLayer;
import org.retention4j.model.DecoderLayer;
import org.retention4j.model.MixerMemory;

/** Holds the forms to one another and to the float64 reference on the weights that are timed. */
public final class EquivalenceSuite {
  /** The fp32 core against float64, before the head norm. */
  public static final double CORE = 2e-6;

  /** Two fp32 forms: each is within {@link #CORE} of the truth. */
  static final double BETWEEN = 2 * CORE;

  /** After norm, gate and output products, as for whole models. */
  static final double BLOCK = 5e-6;

  /** No single token may be further off than this many times the bound. */
  static final double TOKEN = 4;

  private static final int TOKENS = 512;

  /** Where the sequence is handed from one form to another: no multiple of any chunk. */
  private static final int SPLIT = 301;

  private static final int STEPS = 12;

  private final Scene scene;
  private final INDArray x;

  /** What a run gave. */
  private record Outcome(INDArray output, INDArray state) {}

  /** Prepares. */
  public EquivalenceSuite(Scene scene) {
    this.scene = scene;
    x = scene.text().embed(scene.table(), TOKENS);
  }

  /** Measures and reports all errors. */
  public void run() {
    core();
    Map<String, Outcome> blocks = new LinkedHashMap<>();
    Models.FORMS.forEach((name, form) -> blocks.put(name, block(form)));
    blocks.put("split", splitBlock());
    compare("block", "y", blocks, BLOCK);
    Map<String, Outcome> layers = new LinkedHashMap<>();
    Models.FORMS.forEach((name, form) -> layers.put(name, layer(name)));
    compare("layer", "y", layers, BLOCK);
    attention();
  }

  private void core() {
    RetentionConfig config = scene.models().block().config();
    RetentionParameters weights = scene.models().weights().unpack();
    INDArray q = rotate(project(weights.query(), config.heads(), config.keyWidth()), config);
    INDArray k = rotate(project(weights.key(), config.kvHeads(), config.keyWidth()), config);
    INDArray v = project(weights.value(), config.kvHeads(), config.valueWidth());
    LogDecay decay = config.decay().logDecay();
    ReferenceRetention.Result truth =
        ReferenceRetention.advance(q, k, v, decay, config.scale(), null, null);
    Models.FORMS.forEach(
        (name, form) -> {
          try (RetentionState state = coreState(config)) {
            INDArray o =
                Retention.advance(
                    scene.engine(), form, q, k, v, decay, config.scale(), state, null);
            report(
                "core",
                name,
                "o, float64 reference",
                RelativeError.ofTokens(o, truth.output()),
                CORE);
            report(
                "core",
                name,
                "state, float64 reference",
                RelativeError.ofStates(state.toArray(), truth.state()),
                CORE);
          }
        });
  }

  private RetentionState coreState(RetentionConfig config) {
    return RetentionState.zeros(
        ElementType.FLOAT32, 1, config.heads(), config.keyWidth(), config.valueWidth());
  }

  private INDArray project(INDArray weights, int heads, int width) {
    INDArray rows = x.reshape(TOKENS, x.size(2)).mmul(weights.transpose());
    return rows.dup('c').reshape(1, TOKENS, heads, width);
  }

  /** Rotates halves in double; the result is what every form and the reference are given. */
  private static INDArray rotate(INDArray rows, RetentionConfig config) {
    int heads = (int) rows.size(2);
    int width = (int) rows.size(3);
    double[] theta = config.rotation().frequencies(width);
    double[] data = rows.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    for (int i = 0; i < data.length; i += width) {
      int position = i / (heads * width);
      for (int j = 0; j < width / 2; j++) {
        double cos = Math.cos(position * theta[j]);
        double sin = Math.sin(position * theta[j]);
        double first = data[i + j];
        double second = data[i + j + width / 2];
        data[i + j] = first * cos - second * sin;
        data[i + j + width / 2] = second * cos + first * sin;
      }
    }
    return Nd4j.createFromArray(data)
        .reshape(1, data.length / (heads * width), heads, width)
        .castTo(DataType.FLOAT);
  }

  private Outcome block(RetentionForm form) {
    try (RetentionState state = scene.models().block().newState(1)) {
      INDArray y = scene.models().block().forward(form, x, state);
      return new Outcome(y, state.toArray());
    }
  }

  private Outcome splitBlock() {
    try (RetentionState state = scene.models().block().newState(1)) {
      INDArray y = Nd4j.create(DataType.FLOAT, x.shape());
      INDArray head =
          scene.models().block().forward(Models.FORMS.get("chunkwise"), part(x, 0, SPLIT), state);
      INDArray tail =
          scene
              .models()
              .block()
              .forward(Models.FORMS.get("recurrent"), part(x, SPLIT, TOKENS), state);
      part(y, 0, SPLIT).assign(head);
      part(y, SPLIT, TOKENS).assign(tail);
      return new Outcome(y, state.toArray());
    }
  }

  static INDArray part(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  private Outcome layer(String form) {
    DecoderLayer layer = scene.models().layer(form);
    INDArray y = Nd4j.create(DataType.FLOAT, x.shape());
    try (MixerMemory memory = layer.mixer().newMemory(1, TOKENS)) {
      run(layer, x, memory, y);
    }
    return new Outcome(y, null);
  }

  private static void run(DecoderLayer layer, INDArray x, MixerMemory memory, INDArray y) {
    try (BoundLayer bound = layer.bind(x, memory, y)) {
      bound.step();
    }
  }

  /** Holds the Transformer's decoding to its prefill. */
  private void attention() {
    DecoderLayer layer = scene.models().layer("attention");
    INDArray whole = layer("attention").output();
    INDArray y = Nd4j.create(DataType.FLOAT, x.shape());
    try (MixerMemory memory = layer.mixer().newMemory(1, TOKENS)) {
      run(layer, part(x, 0, TOKENS - STEPS), memory, part(y, 0, TOKENS - STEPS));
      for (int t = TOKENS - STEPS; t < TOKENS; t++) {
        run(layer, part(x, t, t + 1), memory, part(y, t, t + 1));
      }
    }
    report(
        "layer",
        "attention",
        "y, prefill and " + STEPS + " decoded tokens against one prefill",
        RelativeError.ofTokens(y, whole),
        BLOCK);
  }

  private void compare(String scope, String what, Map<String, Outcome> outcomes, double bound) {
    Outcome base = outcomes.get("recurrent");
    outcomes.forEach(
        (name, outcome) -> {
          if (outcome == base) {
            return;
          }
          String label =
              name.equals("split")
                  ? String.format(Locale.ROOT, "chunkwise to %d, then recurrent", SPLIT)
                  : name;
          report(
              scope,
              label,
              what + ", recurrent form",
              RelativeError.ofTokens(outcome.output(), base.output()),
              bound);
          if (outcome.state() != null) {
            report(
                scope,
                label,
                "state, recurrent form",
                RelativeError.ofStates(outcome.state(), base.state()),
                BETWEEN);
          }
        });
    if (outcomes.containsKey("parallel") && outcomes.containsKey("chunkwise")) {
      report(
          scope,
          "parallel",
          what + ", chunkwise form",
          RelativeError.ofTokens(
              outcomes.get("parallel").output(), outcomes.get("chunkwise").output()),
          bound);
    }
  }

  private void report(
      String scope, String form, String against, RelativeError error, double bound) {
    add(scope, form, against + ", worst head", error.perHead(), bound);
    if (error.perToken() > 0) {
      add(scope, form, against + ", worst token", error.perToken(), TOKEN * bound);
    }
  }

  private void add(String scope, String form, String what, double error, double bound) {
    Workload workload =
        form.equals("attention")
            ? Workload.attention(scene.shape(), scene.models().provider())
            : scope.equals("layer")
                ? Workload.layer(scene.shape(), form, Models.chunk(form), scene.models().provider())
                : Workload.block(
                    scene.shape(), form, Models.chunk(form), scene.models().provider());
    scene
        .results()
        .add(
            Kind.EQUIVALENCE,
            scope,
            what,
            workload.prompt(TOKENS),
            Timing.NONE,
            Cost.builder().error(error, bound),
            scene.text().coverage(TOKENS));
  }
}
