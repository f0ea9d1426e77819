package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.retention4j.bench.ceiling.Operands;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.ResidentMemory;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Verdict;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WeightChoice;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.mixer.OutcomeError;
import org.retention4j.verify.FormsProof;

/**
 * Measures a checkpoint: loading, equality, memory, decoding, prefill, caches, far positions. Every
 * ceiling is taken by turns with what it is held to.
 */
final class WholeModel {
  private static final double MEGA = 1e6;
  private static final double MEMORY_FACTOR = 1.3;
  private static final double MEMORY_EXTRA = 256 * MEGA;
  private static final int RESIDENT_STEPS = 32;

  private final Checkpoint checkpoint;
  private final Engine engine;
  private final WholeEffort effort;
  private final Consumer<Figure> listener;
  private final List<Figure> figures = new ArrayList<>();

  WholeModel(Checkpoint checkpoint, Engine engine, WholeEffort effort, Consumer<Figure> listener) {
    this.checkpoint = checkpoint;
    this.engine = engine;
    this.effort = effort;
    this.listener = listener;
  }

  /** Takes a figure. */
  @FunctionalInterface
  interface Sink {
    /**
     * Adds it to the report.
     *
     * @param samples times behind it, or null
     * @param tokens that a sample advances
     */
    void add(Verdict verdict, String formula, String dtypes, Samples samples, double tokens);
  }

  private void add(Verdict verdict, String formula, String dtypes, Samples samples, double tokens) {
    Timing timing = samples == null ? Timing.NONE : Timing.of(samples, tokens);
    Figure figure = new Figure(verdict, formula, dtypes, timing);
    figures.add(figure);
    listener.accept(figure);
  }

  /** Returns the weights' type in lower case. */
  static String weightName(LanguageModel model) {
    return type(model) == WeightType.BFLOAT16 ? "bf16" : "f32";
  }

  private static WeightType type(LanguageModel model) {
    return model.layers().get(0).feedForward().gate().type();
  }

  /** Returns the operands of products with weights as they are in the file. */
  static Operands operands(LanguageModel model) {
    return type(model) == WeightType.BFLOAT16 ? Operands.F32_BF16 : Operands.F32_F32;
  }

  /**
   * Measures everything.
   *
   * @return whether the forms are equal; if not, nothing was timed
   */
  boolean run() {
    long before = ResidentMemory.now();
    LanguageModel[] loaded = new LanguageModel[1];
    long peak = ResidentMemory.peakOf(() -> loaded[0] = load(WeightChoice.FILE));
    try (LanguageModel model = loaded[0]) {
      loading(model, peak - before);
      resident(model);
      if (!equal(model)) {
        return false;
      }
      try (LanguageModel integers = load(WeightChoice.INT8)) {
        new WholeDecode(engine, effort, model, integers).run(this::add);
      }
      new WholePrefill(engine, effort, model, operands(model)).run(this::add);
      if (operands(model) == Operands.F32_BF16 && engine.multipliesBfloat16()) {
        new WholePrefill(engine, effort, model, Operands.BF16_BF16).run(this::add);
      }
    }
    System.gc();
    new CacheDecode(engine, effort).run(this::add);
    new FarPositions(engine, effort).run(this::add);
    return true;
  }

  List<Figure> figures() {
    return List.copyOf(figures);
  }

  private LanguageModel load(WeightChoice choice) {
    return checkpoint.load(engine, LoadOptions.DEFAULT.withWeights(choice));
  }

  private void loading(LanguageModel model, long peak) {
    double limit = MEMORY_FACTOR * model.weightBytes() + MEMORY_EXTRA;
    add(
        new Verdict(
            "loading: peak of resident memory without mapped files, over 1.3 x weights + 256 MB",
            1,
            false,
            peak / limit,
            "",
            Format.bytes((double) peak)
                + " for "
                + Format.bytes((double) model.weightBytes())
                + " of weights"),
        "RssAnon sampled every 10 ms, less what was there before",
        "",
        null,
        0);
  }

  /** A prompt, then tokens: the largest memory of the process while it decodes. */
  private void resident(LanguageModel model) {
    try (Session session = model.newSession()) {
      int[] prompt = new int[effort.prompt()];
      session.append(prompt);
      Contender step = WholeDecode.stepping("decode", session);
      // What the prompt needed goes with the first step.
      step.run().run();
      long peak =
          ResidentMemory.peakOf(
              () -> {
                for (int i = 0; i < RESIDENT_STEPS; i++) {
                  step.prepare().run();
                  step.run().run();
                }
              });
      double beyond = peak - model.weightBytes() - (double) session.bytes();
      add(
          new Verdict(
              "resident MB while decoding after a prompt, beyond weights and state",
              600,
              false,
              beyond / MEGA,
              "",
              Format.bytes((double) peak) + " in all, without mapped files; no collection forced"),
          "RssAnon sampled every 10 ms − weights − the session's bytes",
          operands(model).label(),
          null,
          0);
    }
  }

  private boolean equal(LanguageModel model) {
    OutcomeError worst = FormsProof.worst(model);
    Verdict verdict =
        new Verdict(
            "forms on the weights that are timed: largest difference of a layer's outputs or states",
            Bounds.model(engine.type()),
            false,
            Math.max(worst.outputs().perHead(), worst.states().perHead()),
            "",
            model.layers().size() + " layers; parallel, recurrent, chunkwise, prefill then decode");
    add(verdict, "‖a−b‖/‖b‖ of 65 random tokens", operands(model).label(), null, 0);
    return verdict.outcome().equals("reached");
  }
}
