package org.retention4j.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void interpolatesQuantiles() {
    double[] samples = {4, 1, 3, 2};
    assertThat(Statistics.median(samples)).isEqualTo(2.5);
    assertThat(Statistics.quantile(samples, 0)).isEqualTo(1);
    assertThat(Statistics.quantile(samples, 1)).isEqualTo(4);
    assertThat(Statistics.interquartileRange(samples)).isCloseTo(1.5, within(1e-12));
    assertThat(Statistics.quantile(new double[] {7}, 0.99)).isEqualTo(7);
    assertThat(samples).containsExactly(4, 1, 3, 2);
  }

  @Test
  void refusesNoSamples() {
    assertThatThrownBy(() -> Statistics.median(new double[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one sample");
    assertThatThrownBy(() -> Statistics.ratioOfPairs(new double[2], new double[3], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got 2 and 3");
  }

  @Test
  void bracketsTheRatioOfPairs() {
    SplittableRandom random = new SplittableRandom(7);
    double[] a = new double[200];
    double[] b = new double[200];
    for (int i = 0; i < a.length; i++) {
      double drift = 1 + i / 100.0;
      b[i] = drift * (1 + 0.05 * random.nextGaussian());
      a[i] = 1.2 * drift * (1 + 0.05 * random.nextGaussian());
    }
    Statistics.Interval ratio = Statistics.ratioOfPairs(a, b, 1);
    assertThat(ratio.low()).isLessThan(1.2).isGreaterThan(1.17);
    assertThat(ratio.high()).isGreaterThan(1.2).isLessThan(1.23);
    assertThat(ratio.median()).isBetween(ratio.low(), ratio.high());
    assertThat(Statistics.ratioOfPairs(a, b, 1)).isEqualTo(ratio);
  }

  @Test
  void hasNoWidthWithoutSpread() {
    double[] a = new double[9];
    double[] b = new double[9];
    Arrays.fill(a, 3);
    Arrays.fill(b, 2);
    assertThat(Statistics.ratioOfPairs(a, b, 5)).isEqualTo(new Statistics.Interval(1.5, 1.5, 1.5));
  }

  @Test
  void averagesWholeFolds() {
    MachineLoad idle = new MachineLoad(0, 0, 0);
    Samples samples = new Samples(new long[] {1, 3, 10, 20}, 2, 0, idle);
    assertThat(samples.values()).containsExactly(2, 15);
    assertThat(samples.count()).isEqualTo(2);
    assertThat(samples.stepQuantile(1)).isEqualTo(20);
    assertThatThrownBy(() -> new Samples(new long[] {1, 2, 3}, 2, 0, idle))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("whole samples of 2 runs, got 3");
  }

  @Test
  void seesTimesThatStillChange() {
    MachineLoad idle = new MachineLoad(0, 0, 0);
    assertThat(new Samples(new long[] {12, 23, 12, 4, 4}, 1, 0, idle).settled()).isFalse();
    assertThat(new Samples(new long[] {100, 103, 98, 101}, 1, 0, idle).settled()).isTrue();
    assertThat(new Samples(new long[] {7}, 1, 0, idle).settled()).isTrue();
  }

  @Test
  void fitsRoundsIntoTheTimeThatIsLeft() {
    assertThat(Deadline.rounds(1, 5, 10, 36, 1)).isEqualTo(3);
    assertThat(Deadline.rounds(1, 5, 10, 500, 1)).isEqualTo(5);
    assertThat(Deadline.rounds(2, 5, 10, -3, 1)).isEqualTo(2);
  }

  @Test
  void marksNoise() {
    assertThat(new MachineLoad(3, 0.2, 0).noisy()).isTrue();
    assertThat(new MachineLoad(3, 0, 0.2).noisy()).isTrue();
    assertThat(new MachineLoad(3, 0.01, 0.01).noisy()).isFalse();
    assertThat(new MachineLoad(-1, -1, -1).noisy()).isFalse();
  }
}
