package org.retention4j.bench.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers by hand, from D² and T·D. */
class TrainingFormulasTest {
  private static final TrainingShape MODEL = TrainingShape.MODEL;
  private static final TrainingShape LAYER = TrainingShape.LAYER;

  private static double core(TrainingShape shape, Mixing mixing, int tokens) {
    return TrainingFormulas.coreFlops(shape, mixing, tokens) / shape.layers();
  }

  /** 8D² of retention or 4D² of attention, 3·D·I of the feed-forward, 256·D of the output. */
  @Test
  void countsSixForEachWeight() {
    double d = 256;
    assertThat(TrainingFormulas.productFlops(MODEL, Mixing.CHUNKWISE))
        .isEqualTo(6 * (6 * (8 * d * d + 3 * d * 704) + 256 * d))
        .isEqualTo(TrainingFormulas.productFlops(MODEL, Mixing.PARALLEL));
    assertThat(TrainingFormulas.productFlops(LAYER, Mixing.TILED))
        .isEqualTo(6 * (4 * 2048.0 * 2048 + 3 * 2048.0 * 5504 + 256 * 2048.0))
        .isEqualTo(TrainingFormulas.productFlops(LAYER, Mixing.MATERIALISED));
  }

  @Test
  void countsTheCores() {
    assertThat(core(LAYER, Mixing.MATERIALISED, 1000)).isEqualTo(12 * 1000 * 2048.0);
    assertThat(core(LAYER, Mixing.TILED, 1000)).isEqualTo(7 * 1000 * 2048.0);
    // K·H = D and V·H = 2D: 4D + 3·2D.
    assertThat(core(LAYER, Mixing.PARALLEL, 1000)).isEqualTo(10 * 1000 * 2048.0);
    // K 64, V 128: 4 heads of 24,576 + 32,768 forwards and 57,344 + 81,920 back.
    assertThat(core(MODEL, Mixing.CHUNKWISE, 512)).isEqualTo(4 * 196_608.0);
    assertThat(core(MODEL, Mixing.CHUNKWISE, 8192)).isEqualTo(4 * 196_608.0);
  }

  /** The core is 14 % of a layer at D 256 and 5 % at D 2048, where all else is 72 D². */
  @Test
  void theChunkwiseCoreIsASmallShare() {
    double small = core(MODEL, Mixing.CHUNKWISE, 512);
    double large = core(LAYER, Mixing.CHUNKWISE, 512);
    assertThat(small / (small + 72 * 256.0 * 256)).isCloseTo(0.14, within(0.005));
    assertThat(large / (large + 72 * 2048.0 * 2048)).isCloseTo(0.05, within(0.005));
  }

  /** Predicted before this was written, with 72 D² for all else: to the digits that stand there. */
  @ParameterizedTest
  @CsvSource({
    "256, 2048, 1.5, 2.0, 0.05", "256, 8192, 3.5, 5.4, 0.05", "256, 32768, 11.5, 19, 0.5",
    "2048, 2048, 1.04, 1.10, 0.005", "2048, 8192, 1.31, 1.58, 0.005", "2048, 32768, 2.4, 3.5, 0.05"
  })
  void attentionCostsSoManyTimesMore(
      int width, int tokens, double tiled, double materialised, double rounding) {
    TrainingShape shape = width == 256 ? MODEL : LAYER;
    double rest = 72.0 * width * width;
    double own = rest + core(shape, Mixing.CHUNKWISE, tokens);
    assertThat((rest + core(shape, Mixing.TILED, tokens)) / own).isCloseTo(tiled, within(rounding));
    assertThat((rest + core(shape, Mixing.MATERIALISED, tokens)) / own)
        .isCloseTo(materialised, within(rounding));
  }

  /** What a step costs is all of its parts. */
  @Test
  void aStepIsProductsAndCores() {
    double token = 6 * (6 * 16.25 * 256 * 256 + 256 * 256) + 6 * 4 * 196_608.0;
    assertThat(TrainingFormulas.stepFlops(MODEL, Mixing.CHUNKWISE, 512)).isEqualTo(2048 * token);
  }

  /** In thousands of numbers at D 2048: 26, 23 and 56, 154, 547. */
  @ParameterizedTest
  @CsvSource({"2048, 56", "8192, 154", "32768, 547"})
  void countsWhatIsKept(int tokens, double materialised) {
    assertThat(TrainingFormulas.keptNumbers(LAYER, Mixing.CHUNKWISE, tokens) / 1e3)
        .isCloseTo(26, within(0.5));
    assertThat(TrainingFormulas.keptNumbers(LAYER, Mixing.TILED, tokens) / 1e3)
        .isCloseTo(23, within(0.5));
    assertThat(TrainingFormulas.keptNumbers(LAYER, Mixing.MATERIALISED, tokens) / 1e3)
        .isCloseTo(materialised, within(1.0));
  }

  /**
   * One row of 4096 tokens, 4 heads: 67 million probabilities in each of 6 layers, and once more.
   */
  @Test
  void materialisedAttentionHoldsItsSquares() {
    double tiled = TrainingFormulas.stepBytes(MODEL, Mixing.TILED, 4096, 2);
    assertThat(TrainingFormulas.stepBytes(MODEL, Mixing.MATERIALISED, 4096, 2) - tiled)
        .isEqualTo(4.0 * 7 * 4 * 4096 * 4096);
  }

  @Test
  void theModelsHaveAsManyParameters() {
    for (TrainingShape shape : TrainingShape.ALL) {
      double own = shape.config(Mixing.CHUNKWISE).parameters();
      double other = shape.config(Mixing.TILED).parameters();
      assertThat(other / own).as(shape.name()).isBetween(0.99, 1.01);
    }
    assertThat(MODEL.rows(512)).isEqualTo(4);
    assertThat(MODEL.rows(8192)).isEqualTo(1);
    assertThat(LAYER.rows(1024)).isEqualTo(1);
  }
}
