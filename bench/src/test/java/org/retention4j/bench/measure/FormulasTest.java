package org.retention4j.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The golden values of the counting rules. */
class FormulasTest {
  private static final double GIB = 1L << 30;

  @Test
  void sizesCaches() {
    assertThat(Formulas.cacheBytes(80, 8, 128, 262_144, 2) / GIB).isEqualTo(80.0);
    assertThat(Formulas.cacheBytes(9, 8, 128, 262_144, 2) / GIB).isEqualTo(9.0);
    assertThat(Formulas.cacheBytes(126, 8, 128, 100_000_000, 2) / 1e12)
        .isCloseTo(51.6, within(0.05));
  }

  @Test
  void findsWhereTrafficCrosses() {
    assertThat(Formulas.trafficCrossover(2, 256, 2048, 16, 128, 4, 4)).isEqualTo(512);
    assertThat(Formulas.trafficCrossover(2, 256, 2048, 16, 128, 4, 2)).isEqualTo(1024);
    // Eight query heads share a key/value head: 2 of 128 where there were 16.
    assertThat(Formulas.trafficCrossover(2, 256, 2048, 2, 128, 4, 2)).isEqualTo(8192);
  }

  @Test
  void crossesWhereTheFormulasOfTrafficDo() {
    LayerShape shape = LayerShape.PAPER;
    assertThat(shape.cacheBytes(512)).isEqualTo(2 * shape.stateBytes());
    assertThat(Formulas.retentionStepBytes(1000, 3, shape.stateBytes()))
        .isEqualTo(Formulas.attentionStepBytes(1000, 3, shape.cacheBytes(512)));
  }

  @Test
  void predictsTheBestChunk() {
    assertThat(Formulas.bestChunk(2, 256, 4, 5, 2)).isCloseTo(59, within(0.5));
    assertThat(Formulas.bestChunk(2, 256, 4, 5, 1)).isCloseTo(84, within(0.5));
  }

  @Test
  void countsOtherCores() {
    LayerShape shape = LayerShape.PAPER;
    assertThat(Formulas.parallelCoreFlops(2048, shape))
        .isEqualTo(2048.0 * 2048 * (2048 * 3 + 1024));
    assertThat(Formulas.recurrentCoreFlops(7, shape)).isEqualTo(7 * 5.0 * 8 * 256 * 512);
    assertThat(Formulas.weightFlops(3, 5)).isEqualTo(30);
  }

  @Test
  void comparesLayersOfEqualSize() {
    LayerShape shape = LayerShape.PAPER;
    assertThat(shape.retentionWeights()).isEqualTo(8L * 2048 * 2048);
    assertThat(shape.attentionWeights()).isEqualTo(4L * 2048 * 2048);
    assertThat(shape.retentionLayerWeights() / (double) shape.attentionLayerWeights())
        .isCloseTo(1, within(0.01));
  }

  @Test
  void joinsRatesByTime() {
    // A half of the work at 100 and a half at 300 takes as long as all of it at 150.
    assertThat(Formulas.weightedRate(new double[] {6, 6}, new double[] {100, 300}))
        .isCloseTo(150, within(1e-9));
  }
}
