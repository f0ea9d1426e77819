package org.retention4j.bench.whole;

import java.util.List;
import java.util.Locale;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.report.Verdict;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Latency of a small RetNet a million tokens on, after it has read a million tokens. */
final class FarPositions {
  private static final int NEAR = 100;
  private static final int PIECE = 10_000;
  private static final int PAIRS = 150;
  private static final int VOCABULARY = 256;

  private final Engine engine;
  private final WholeEffort effort;

  FarPositions(Engine engine, WholeEffort effort) {
    this.engine = engine;
    this.effort = effort;
  }

  void run(WholeModel.Sink sink) {
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(256, 4), 512, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 256, DecoderConfig.uniform(2, layer));
    try (LanguageModel model = LanguageModel.random(engine, config, WeightType.FLOAT32, 3);
        Session near = model.newSession();
        Session far = model.newSession()) {
      near.append(new int[NEAR]);
      int[] piece = new int[PIECE];
      for (int at = 0; at < effort.far(); at += PIECE) {
        for (int i = 0; i < PIECE; i++) {
          piece[i] = (at + i * 31) % VOCABULARY;
        }
        far.append(piece);
      }
      Session.Mark start = near.mark();
      List<Samples> samples =
          Sampler.measure(
              List.of(
                  // Brought back at times, or it would not stay near.
                  new Contender("near", () -> back(near, start), () -> near.step(5)),
                  new Contender("far", () -> far.step(5))),
              new Sampler.Plan(2, PAIRS, WholeEffort.FOLD));
      Statistics.Interval ratio = Shares.ratio(1, samples.get(1), samples.get(0));
      sink.add(
          new Verdict(
              String.format(
                  Locale.ROOT,
                  "decode latency at position %,d over position 100 (small model)",
                  effort.far()),
              1.05,
              false,
              ratio.high(),
              "",
              String.format(
                  Locale.ROOT,
                  "median ratio %.3f, 95 %% interval %.3f to %.3f; %.0f us a token at position %,d",
                  ratio.median(),
                  ratio.low(),
                  ratio.high(),
                  samples.get(1).median() / 1e3,
                  far.position(0))),
          "upper end of the interval of interleaved pairs; 2 layers, D 256, state advanced over"
              + " every token",
          "f32 x f32",
          samples.get(1),
          1);
    }
  }

  private static void back(Session near, Session.Mark start) {
    if (near.position(0) > 2 * NEAR) {
      near.rollback(start);
    }
  }
}
