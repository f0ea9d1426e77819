package org.retention4j.train.pass.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.bench.training.MaterialisedAttention;
import org.retention4j.core.Resets;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.train.Batch;
import org.retention4j.train.Trainer;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.PassFixture;
import org.retention4j.train.pass.Segment;

/** The benchmark's baseline that keeps all probabilities computes what tiled attention computes. */
class MaterialisedAttentionTest {
  private static final String PREFIX = "layers.1.mixer.";
  private static final AttentionConfig CONFIG = AttentionConfig.multiHead(24, 3);

  /** Sums of up to 200 products in two orders: 200 · 2⁻⁵³, and a decade for what follows them. */
  private static final double FLOAT64 = 2e-13;

  /** The same with 2⁻²⁴. */
  private static final double FLOAT32 = 1.2e-4;

  private static Map<String, double[][]> run(
      ElementType type, int batch, int tokens, boolean materialised) {
    try (PassFixture at =
        new PassFixture(type, 2, batch, tokens, CONFIG.modelWidth(), PREFIX, CONFIG.weights())) {
      MixerPass pass =
          materialised
              ? new MaterialisedAttention(CONFIG)
                  .trainingPass(at.context, at.parameters, PREFIX, at.ends)
              : new AttentionPass(at.context, CONFIG, at.parameters, PREFIX, at.ends);
      boolean[] fresh = new boolean[batch];
      Arrays.fill(fresh, true);
      Segment segment = new Segment(0, Resets.none(), fresh, false);
      // Twice: what stands in tiles from the first time must not matter.
      pass.forward(segment);
      pass.forward(segment);
      pass.backward(segment);
      Map<String, double[][]> all = new LinkedHashMap<>(at.gradients());
      all.put("y", PassFixture.read(at.ends.y()));
      return all;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT64, 1, 1",
    "FLOAT64, 2, 7",
    "FLOAT64, 1, 64",
    "FLOAT64, 3, 65",
    "FLOAT64, 2, 200",
    "FLOAT32, 2, 130"
  })
  void outputsAndGradientsAreThoseOfTiledAttention(ElementType type, int batch, int tokens) {
    Map<String, double[][]> tiled = run(type, batch, tokens, false);
    run(type, batch, tokens, true)
        .forEach(
            (name, rows) -> {
              // One token attends to itself whatever q and k are: their gradients are zero.
              boolean nothing = tokens == 1 && (name.equals("query") || name.equals("key"));
              double error = nothing ? largest(rows) : PassFixture.distance(rows, tiled.get(name));
              double bound = type == ElementType.FLOAT64 ? FLOAT64 : FLOAT32;
              assertThat(error).as(name).isLessThanOrEqualTo(bound);
            });
  }

  private static double largest(double[][] rows) {
    return Arrays.stream(rows).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElseThrow();
  }

  /** Through a trainer: three steps leave the same model. */
  @Test
  void aTrainerTakesTheSameSteps() {
    double[] tiled = losses(CONFIG);
    double[] materialised = losses(new MaterialisedAttention(CONFIG));
    for (int i = 0; i < tiled.length; i++) {
      assertThat(materialised[i] / tiled[i] - 1).as("step %s", i).isBetween(-1e-12, 1e-12);
    }
    assertThat(tiled[2]).isLessThan(tiled[0]);
  }

  private static double[] losses(MixerConfig mixer) {
    LayerConfig layer = new LayerConfig(mixer, 40, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(31, 24, DecoderConfig.uniform(2, layer));
    int[][] tokens = new int[2][70];
    for (int[] row : tokens) {
      Arrays.setAll(row, t -> (t * t + 3) % 31);
    }
    try (Engine engine = Engine.float64();
        LanguageModel model = LanguageModel.random(engine, config, WeightType.FLOAT64, 5);
        Trainer trainer = Trainer.of(engine, model, 2, 70, TrainerOptions.DEFAULT)) {
      double[] losses = new double[3];
      Arrays.setAll(losses, i -> trainer.step(List.of(Batch.of(tokens, tokens))).loss());
      return losses;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"window", "bias", "shared"})
  void refusesWhatItCannotDo(String what) {
    AttentionConfig config =
        new AttentionConfig(
            24,
            4,
            what.equals("shared") ? 2 : 4,
            6,
            100,
            what.equals("window") ? 5 : AttentionConfig.UNBOUNDED,
            what.equals("bias"));
    assertThatThrownBy(() -> new MaterialisedAttention(config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("without window, biases and shared keys");
  }

  @Test
  void refusesPackedRows() {
    try (PassFixture at =
        new PassFixture(ElementType.FLOAT64, 1, 1, 4, 24, PREFIX, CONFIG.weights())) {
      MixerPass pass =
          new MaterialisedAttention(CONFIG)
              .trainingPass(at.context, at.parameters, PREFIX, at.ends);
      Resets starts = Resets.mask(new boolean[][] {{false, true, false, false}});
      assertThatThrownBy(() -> pass.forward(new Segment(0, starts, new boolean[] {true}, false)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("packed rows");
    }
  }
}
