package org.retention4j.bench.suite;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CrossoverTest {
  private static final int[] DEPTHS = {0, 512, 2048};

  @Test
  void interpolatesBetweenDepths() {
    Crossover found = Crossover.between(DEPTHS, new double[] {-2, -1, 2});
    assertThat(found.depth()).isEqualTo(512 + 1536 / 3.0);
  }

  @Test
  void takesTheLastCrossing() {
    Crossover found = Crossover.between(DEPTHS, new double[] {1, -1, 1});
    assertThat(found.depth()).isEqualTo(512 + 768.0);
  }

  @Test
  void saysWhenThereIsNone() {
    assertThat(Crossover.between(DEPTHS, new double[] {-3, -2, -1}).depth()).isNull();
    assertThat(Crossover.between(DEPTHS, new double[] {1, 2, 3}).depth()).isZero();
  }
}
