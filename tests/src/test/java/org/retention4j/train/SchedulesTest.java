package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The factors of the learning rate, by hand. */
class SchedulesTest {
  private static final Offset<Double> EXACT = within(1e-15);

  @Test
  void warmUpRisesInALine() {
    Schedule schedule = Schedule.constant(4);
    assertThat(schedule.factor(1)).isEqualTo(0.25);
    assertThat(schedule.factor(3)).isEqualTo(0.75);
    assertThat(schedule.factor(4)).isEqualTo(1);
    assertThat(schedule.factor(1_000_000)).isEqualTo(1);
    assertThat(Schedule.constant(0).factor(1)).isEqualTo(1);
  }

  @Test
  void cosineFallsToItsLastFactor() {
    Schedule schedule = Schedule.cosine(10, 110, 0.1);
    assertThat(schedule.factor(5)).isEqualTo(0.5);
    assertThat(schedule.factor(10)).isEqualTo(1);
    assertThat(schedule.factor(60)).isCloseTo(0.55, EXACT);
    assertThat(schedule.factor(110)).isCloseTo(0.1, EXACT);
    assertThat(schedule.factor(500)).isCloseTo(0.1, EXACT);
  }

  @Test
  void stableFallsInALineAtTheEnd() {
    Schedule schedule = Schedule.stableThenDecay(2, 10, 4, 0);
    double[] expected = {0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.2};
    for (int i = 0; i < expected.length; i++) {
      assertThat(schedule.factor(i + 1)).as("step %d", i + 1).isCloseTo(expected[i], EXACT);
    }
    assertThat(Schedule.stableThenDecay(0, 10, 4, 0.5).factor(10)).isCloseTo(0.6, EXACT);
    assertThat(Schedule.stableThenDecay(0, 1, 0, 0).factor(1)).isEqualTo(1);
  }

  @Test
  void rangesAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.constant(-1))
        .withMessage("expected a warm-up of at least 0 steps, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.cosine(10, 10, 0))
        .withMessage("expected more steps than the 10 of the warm-up, got 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.cosine(1, 10, Double.NaN))
        .withMessage("expected a last factor in 0..1, got NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.stableThenDecay(3, 10, 8, 0))
        .withMessage("expected at least the steps of warm-up and decay, 3 and 8, got 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.stableThenDecay(3, 10, -1, 0))
        .withMessage("expected a decay of at least 0 steps, got -1");
  }
}
