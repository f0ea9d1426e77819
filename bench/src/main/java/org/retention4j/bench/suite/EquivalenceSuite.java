package org.retention4j.bench.suite;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.reference.Bounds;
import org.retention4j.core.reference.RelativeError;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.MixerTrial;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.OutcomeError;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.verify.Way;

/** Holds the forms to one another and to the float64 reference on the weights that are timed. */
public final class EquivalenceSuite {
  private static final int TOKENS = 512;

  /** The fp32 core against float64, before the head norm. */
  public static final double CORE = Bounds.core(ElementType.FLOAT32, true, TOKENS);

  /** States of two fp32 forms: each is within {@link #CORE} of the truth. */
  private static final double BETWEEN = Bounds.forms(ElementType.FLOAT32, true, TOKENS);

  /** After norm, gate and output products, as for whole models. */
  private static final double BLOCK = Bounds.model(ElementType.FLOAT32);

  /** Where the sequence goes on token by token: no multiple of any chunk. */
  private static final int SPLIT = 301;

  private static final int STEPS = 12;

  private final Scene scene;
  private final INDArray x;

  /** Prepares. */
  public EquivalenceSuite(Scene scene) {
    this.scene = scene;
    x = scene.text().embed(scene.table(), TOKENS);
  }

  /** Measures and reports all errors. */
  public void run() {
    DecoderLayer layer = scene.models().layer("recurrent");
    for (MixerTrial trial : layer.mixer().trials(x)) {
      core(trial);
    }
    RetentionForm chunkwise = Models.FORMS.get("chunkwise");
    RetentionForm recurrent = Models.FORMS.get("recurrent");
    Map<String, Outcome> blocks = new LinkedHashMap<>();
    Map<String, Outcome> layers = new LinkedHashMap<>();
    Models.FORMS.forEach(
        (name, form) -> {
          blocks.put(name, Way.whole(form).mixer(layer, x));
          layers.put(name, Way.whole(form).layer(layer, x));
        });
    blocks.put("split", new Way("split", chunkwise, SPLIT, recurrent).mixer(layer, x));
    compare("block", blocks, true);
    compare("layer", layers, false);
    attention(new Way("attention", chunkwise, TOKENS - STEPS, recurrent), Way.whole(chunkwise));
  }

  private void core(MixerTrial trial) {
    Outcome truth = trial.expected();
    Models.FORMS.forEach(
        (name, form) -> {
          OutcomeError error = OutcomeError.of(trial.run(scene.engine(), form), truth);
          double bound = trial.bound(scene.engine().type());
          report(trial.part(), name, "o, float64 reference", error.outputs(), bound);
          report(trial.part(), name, "state, float64 reference", error.states(), bound);
        });
  }

  /** Holds the Transformer's decoding to its prefill. */
  private void attention(Way split, Way whole) {
    DecoderLayer layer = scene.models().layer("attention");
    OutcomeError error = OutcomeError.of(split.layer(layer, x), whole.layer(layer, x));
    report(
        "layer",
        "attention",
        "y, prefill and " + STEPS + " decoded tokens against one prefill",
        error.outputs(),
        BLOCK);
  }

  private void compare(String scope, Map<String, Outcome> outcomes, boolean states) {
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
          OutcomeError error = OutcomeError.of(outcome, base);
          report(scope, label, "y, recurrent form", error.outputs(), BLOCK);
          if (states) {
            report(scope, label, "state, recurrent form", error.states(), BETWEEN);
          }
        });
    OutcomeError others = OutcomeError.of(outcomes.get("parallel"), outcomes.get("chunkwise"));
    report(scope, "parallel", "y, chunkwise form", others.outputs(), BLOCK);
  }

  /** Returns some tokens of x (B,T,D). */
  static INDArray part(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  private void report(
      String scope, String form, String against, RelativeError error, double bound) {
    add(scope, form, against + ", worst head", error.perHead(), bound);
    if (error.perToken() > 0) {
      double tokenBound = Bounds.TOKEN_FACTOR * bound;
      add(scope, form, against + ", worst token", error.perToken(), tokenBound);
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
