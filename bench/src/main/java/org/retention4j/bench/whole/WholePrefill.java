package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.Operands;
import org.retention4j.bench.ceiling.ProductCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.measure.Statistics.Interval;
import org.retention4j.bench.report.Verdict;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;

/** A prompt by turns with the bare products of one layer of each kind. */
final class WholePrefill {
  /** Ways to the same products: one per lane, and oneDNN's own threads. */
  private static final int WAYS = 2;

  private static final double GIGA = 1e9;

  private final Engine engine;
  private final WholeEffort effort;
  private final LanguageModel model;
  private final Operands operands;
  private final Map<LayerConfig, Integer> kinds;

  WholePrefill(Engine engine, WholeEffort effort, LanguageModel model, Operands operands) {
    this.engine = engine;
    this.effort = effort;
    this.model = model;
    this.operands = operands;
    kinds = LayerWork.kinds(model.config());
  }

  void run(WholeModel.Sink sink) {
    SessionOptions options =
        SessionOptions.DEFAULT.withBfloat16Prefill(operands == Operands.BF16_BF16);
    int[] tokens = new int[effort.prompt()];
    Arrays.setAll(tokens, i -> (i * 31 + 7) % model.config().vocabulary());
    Session[] session = new Session[1];
    List<BareWork> works = new ArrayList<>();
    try {
      List<Contender> contenders = new ArrayList<>();
      contenders.add(
          new Contender(
              "prefill",
              () -> {
                close(session[0]);
                session[0] = model.newSession(1, options);
              },
              () -> session[0].append(tokens)));
      for (int way = 0; way < WAYS; way++) {
        for (LayerConfig kind : kinds.keySet()) {
          contenders.add(products(kind, way, works));
        }
      }
      report(
          sink,
          Sampler.measure(
              contenders, new Sampler.Plan(effort.warmUpSeconds(), effort.prompts(), 1)));
    } finally {
      close(session[0]);
      works.forEach(BareWork::close);
    }
  }

  private Contender products(LayerConfig kind, int way, List<BareWork> works) {
    ProductCeiling ceiling = new ProductCeiling(engine, false, operands);
    List<BareWork> own = new ArrayList<>();
    for (int[] m : LayerWork.of(kind, effort.prompt()).matrices()) {
      BareWork work = ceiling.ways(effort.prompt(), m[0], m[1]).get(way).get();
      works.add(work);
      own.add(work);
    }
    return new Contender("products", () -> own.forEach(work -> work.run(true)));
  }

  private void report(WholeModel.Sink sink, List<Samples> samples) {
    double products = 0;
    double core = 0;
    for (Map.Entry<LayerConfig, Integer> kind : kinds.entrySet()) {
      LayerWork work = LayerWork.of(kind.getKey(), effort.prompt());
      products += kind.getValue() * work.products();
      core += kind.getValue() * work.core();
    }
    Samples prompt = samples.get(0);
    double[] bare = fastest(samples);
    Interval share = Shares.ratio((products + core) / products, bare, prompt.values());
    double median = Statistics.median(bare);
    sink.add(
        new Verdict(
            String.format(
                Locale.ROOT,
                "prefill of %d tokens, %s: FLOP/s over the bare products",
                effort.prompt(),
                operands.label()),
            0.70,
            true,
            share.median(),
            "",
            String.format(
                Locale.ROOT,
                "%.0f tokens/s, %.0f GFLOP/s of %.0f; %s",
                effort.prompt() * GIGA / prompt.median(),
                (products + core) / prompt.median(),
                products / median,
                Shares.text(share))),
        String.format(
            Locale.ROOT,
            "(2·T·(weights of the layers) + core with α=1, %.1f %%)/time; products at these shapes, by"
                + " turns with it",
            100 * core / (products + core)),
        operands.label(),
        prompt,
        effort.prompt());
  }

  /** Returns the times that all layers' bare products take by the faster way. */
  private double[] fastest(List<Samples> samples) {
    double[] best = null;
    int at = 1;
    for (int way = 0; way < WAYS; way++) {
      double[] times = new double[effort.prompts()];
      for (int count : kinds.values()) {
        double[] own = samples.get(at++).values();
        for (int i = 0; i < times.length; i++) {
          times[i] += count * own[i];
        }
      }
      boolean faster = best == null || Statistics.median(times) < Statistics.median(best);
      best = faster ? times : best;
    }
    return best;
  }

  private static void close(Session session) {
    if (session != null) {
      session.close();
    }
  }
}
