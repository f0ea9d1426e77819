package org.retention4j.bench.whole;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.Operands;
import org.retention4j.bench.ceiling.ProductCeiling;
import org.retention4j.bench.ceiling.ReadCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Verdict;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WeightChoice;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.Engine;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;

/** Measures a checkpoint: decoding, prefill, memory; ceilings are taken in the same run. */
public final class WholeModel {
  private static final int PROMPT = 512;
  private static final int BATCH = 8;
  private static final long READ_BYTES = 1L << 30;
  private static final double GIGA = 1e9;
  private static final double MEGA = 1e6;
  private static final int PRODUCT_ROWS = 512;

  private final Checkpoint checkpoint;
  private final Engine engine;
  private final Consumer<Figure> listener;
  private final List<Figure> figures = new ArrayList<>();
  private double readRate;

  WholeModel(Checkpoint checkpoint, Engine engine, Consumer<Figure> listener) {
    this.checkpoint = checkpoint;
    this.engine = engine;
    this.listener = listener;
  }

  private void add(Verdict verdict, String formula, String dtypes, Samples samples) {
    Figure figure =
        new Figure(verdict, formula, dtypes, samples == null ? List.of() : Figure.list(samples));
    figures.add(figure);
    listener.accept(figure);
  }

  /** Measures everything and returns the figures. */
  List<Figure> run() {
    long[] before = {ResidentMemory.now()};
    LanguageModel[] loaded = new LanguageModel[1];
    long peak = ResidentMemory.peakOf(() -> loaded[0] = load(WeightChoice.FILE));
    try (LanguageModel model = loaded[0]) {
      loading(model, peak - before[0]);
      resident(model);
      readRate = best(new ReadCeiling(engine).ways(READ_BYTES));
      Samples single = decode(model);
      prefill(model, false, Operands.F32_BF16);
      prefill(model, true, Operands.BF16_BF16);
      model.close();
      System.gc();
      try (LanguageModel integers = load(WeightChoice.INT8)) {
        integers(integers, single);
      }
    }
    new CacheDecode(engine).run(this::add);
    new FarPositions(engine).run(this::add);
    return figures;
  }

  private LanguageModel load(WeightChoice choice) {
    return checkpoint.load(engine, LoadOptions.DEFAULT.withWeights(choice));
  }

  private void loading(LanguageModel model, long peak) {
    double limit = 1.3 * model.weightBytes() + 256 * MEGA;
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
        null);
  }

  /** Returns the best rate of several ways, in units per nanosecond. */
  private static double best(List<Supplier<BareWork>> ways) {
    double best = 0;
    for (Supplier<BareWork> way : ways) {
      try (BareWork work = way.get()) {
        List<Contender> contenders = new ArrayList<>();
        contenders.add(new Contender("all", () -> work.run(true)));
        if (work.worksAlone()) {
          contenders.add(new Contender("one", () -> work.run(false)));
        }
        for (Samples samples : Sampler.measure(contenders, new Sampler.Plan(1, 7, 1))) {
          best = Math.max(best, work.amount() / samples.median());
        }
      }
    }
    return best;
  }

  private static Contender stepping(Session session) {
    int[] tokens = new int[session.batch()];
    int vocabulary = session.model().config().vocabulary();
    return new Contender(
        "decode",
        () -> {
          for (int b = 0; b < tokens.length; b++) {
            tokens[b] = (tokens[b] * 31 + 7 + b) % vocabulary;
          }
        },
        () -> session.step(tokens));
  }

  private Samples decode(LanguageModel model) {
    long state = Float.BYTES * model.config().stateElements();
    try (Session one = model.newSession();
        Session many = model.newSession(BATCH, SessionOptions.DEFAULT);
        BareWork read = new ReadCeiling(engine).ways(READ_BYTES).get(1).get()) {
      List<Samples> samples =
          Sampler.measure(
              List.of(stepping(one), stepping(many), new Contender("read", () -> read.run(true))),
              new Sampler.Plan(6, 32, 1));
      readRate = Math.max(readRate, read.amount() / samples.get(2).median());
      double bytes = model.streamedBytes() + 2.0 * state;
      double rate = bytes / samples.get(0).median();
      add(
          new Verdict(
              "decode B=1: bytes of weights and state per second over the read bandwidth",
              0.75,
              true,
              rate / readRate,
              "",
              String.format(
                  "%.1f ms, %.2f tokens/s, %.1f GB/s of %.1f",
                  samples.get(0).median() / MEGA, GIGA / samples.get(0).median(), rate, readRate)),
          "(weights without the embedding table + 2·state)/time",
          "f32 x bf16",
          samples.get(0));
      double speedup = BATCH * samples.get(0).median() / samples.get(1).median();
      add(
          new Verdict(
              "decode B=8 in tokens/s over B=1",
              3.5,
              true,
              speedup,
              "",
              String.format(
                  "%.1f ms a step, %.1f tokens/s",
                  samples.get(1).median() / MEGA, BATCH * GIGA / samples.get(1).median())),
          "8·time(B=1)/time(B=8)",
          "f32 x bf16",
          samples.get(1));
      return samples.get(0);
    }
  }

  private void resident(LanguageModel model) {
    try (Session session = model.newSession()) {
      Contender step = stepping(session);
      for (int i = 0; i < 20; i++) {
        step.prepare().run();
        step.run().run();
      }
      System.gc();
      long state = Float.BYTES * model.config().stateElements();
      double beyond = ResidentMemory.now() - model.weightBytes() - (double) state;
      add(
          new Verdict(
              "resident MB while decoding, beyond weights and state",
              600,
              false,
              beyond / MEGA,
              "",
              Format.bytes((double) ResidentMemory.now()) + " in all, without mapped files"),
          "RssAnon − weights − state",
          "f32 x bf16",
          null);
    }
  }

  private void prefill(LanguageModel model, boolean bfloat16, Operands operands) {
    SessionOptions options = SessionOptions.DEFAULT.withBfloat16Prefill(bfloat16);
    int[] tokens = new int[PROMPT];
    java.util.Arrays.setAll(tokens, i -> (i * 31 + 7) % model.config().vocabulary());
    Session[] session = new Session[1];
    List<List<BareWork>> works = products(model.config(), operands);
    try {
      Contender prompt =
          new Contender(
              "prefill",
              () -> {
                close(session[0]);
                session[0] = model.newSession(1, options);
              },
              () -> session[0].append(tokens));
      List<Contender> contenders = new ArrayList<>();
      contenders.add(prompt);
      for (List<BareWork> way : works) {
        contenders.add(new Contender("products", () -> way.forEach(work -> work.run(true))));
      }
      List<Samples> samples = Sampler.measure(contenders, new Sampler.Plan(8, 7, 1));
      double layers = model.config().layers().size();
      double ceiling = 0;
      for (int i = 0; i < works.size(); i++) {
        double amount = works.get(i).stream().mapToDouble(BareWork::amount).sum();
        ceiling = Math.max(ceiling, amount / samples.get(i + 1).median());
      }
      double flops = layers * layerFlops(model.config().layers().get(0));
      double rate = flops / samples.get(0).median();
      add(
          new Verdict(
              "prefill of 512 tokens, " + operands.label() + ": FLOP/s over the bare products",
              0.70,
              true,
              rate / ceiling,
              "",
              String.format(
                  "%.0f ms, %.0f tokens/s, %.0f GFLOP/s of %.0f",
                  samples.get(0).median() / MEGA,
                  PROMPT * GIGA / samples.get(0).median(),
                  rate,
                  ceiling)),
          "layers·2·T·(weights of a layer); products by turns with it",
          operands.label(),
          samples.get(0));
    } finally {
      close(session[0]);
      works.forEach(way -> way.forEach(BareWork::close));
    }
  }

  private static void close(Session session) {
    if (session != null) {
      session.close();
    }
  }

  private static double layerFlops(LayerConfig layer) {
    return matrices(layer).stream().mapToDouble(m -> 2.0 * PROMPT * m[0] * m[1]).sum();
  }

  /** Returns (in,out) of a layer's matrices. */
  private static List<int[]> matrices(LayerConfig layer) {
    List<int[]> all = new ArrayList<>();
    int d;
    if (layer.retains()) {
      RetentionConfig c = layer.retention();
      d = c.modelWidth();
      int values = c.heads() * c.valueWidth();
      all.add(new int[] {d, c.heads() * c.keyWidth()});
      all.add(new int[] {d, c.kvHeads() * c.keyWidth()});
      all.add(new int[] {d, c.kvHeads() * c.valueWidth()});
      if (c.gate()) {
        all.add(new int[] {d, values});
      }
      all.add(new int[] {values, d});
    } else {
      var c = layer.attention();
      d = c.modelWidth();
      all.add(new int[] {d, c.heads() * c.headWidth()});
      all.add(new int[] {d, c.kvHeads() * c.headWidth()});
      all.add(new int[] {d, c.kvHeads() * c.headWidth()});
      all.add(new int[] {c.heads() * c.headWidth(), d});
    }
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {layer.hidden(), d});
    return all;
  }

  /** Returns the products of a layer, one list for each way to compute them. */
  private List<List<BareWork>> products(DecoderConfig config, Operands operands) {
    ProductCeiling ceiling = new ProductCeiling(engine, false, operands);
    List<BareWork> lanes = new ArrayList<>();
    List<BareWork> team = new ArrayList<>();
    for (int[] m : matrices(config.layers().get(0))) {
      List<Supplier<BareWork>> ways = ceiling.ways(PRODUCT_ROWS, m[0], m[1]);
      lanes.add(ways.get(0).get());
      team.add(ways.get(1).get());
    }
    return List.of(lanes, team);
  }

  private void integers(LanguageModel model, Samples wide) {
    try (Session session = model.newSession()) {
      Samples samples = Sampler.measure(stepping(session), new Sampler.Plan(5, 32, 1));
      add(
          new Verdict(
              "int8 weights: decode B=1 in tokens/s over BF16",
              1.4,
              true,
              wide.median() / samples.median(),
              "",
              String.format(
                  "%.1f ms, %.2f tokens/s, weights %s",
                  samples.median() / MEGA,
                  GIGA / samples.median(),
                  Format.bytes((double) model.weightBytes()))),
          "time(BF16)/time(int8)",
          "s8 x s8",
          samples);
    }
  }

  /** Returns the ratio of two interleaved times with its interval. */
  static Statistics.Interval ratio(Samples over, Samples under) {
    return Statistics.ratioOfPairs(over.values(), under.values(), 42);
  }

  /** Takes a figure. */
  @FunctionalInterface
  interface Sink {
    /** Adds it to the report. */
    void add(Verdict verdict, String formula, String dtypes, Samples samples);
  }

  /**
   * Measures a checkpoint.
   *
   * @throws IllegalArgumentException if the folder is no checkpoint
   */
  static Checkpoint open(Path folder) {
    Checkpoint checkpoint = Checkpoint.open(folder);
    checkpoint.files().close();
    return checkpoint;
  }
}
