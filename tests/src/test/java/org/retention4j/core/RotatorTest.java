package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.nn.Rotary;

/** Cosines and sines of any run of positions against Math's, the same bits however reached. */
class RotatorTest {
  private static final double[] FREQUENCIES = {1, 0.3, 0.01, 1e-4};

  /** Two factors of one rounding each and a sum: three units of 1 at most. */
  private static final double CLOSE = 3 * 0x1p-53;

  private static double[][] at(Rotary rotator, int row, int offset) {
    Angles angles = Angles.of(ElementType.FLOAT64, FREQUENCIES.length);
    rotator.at(row, offset, angles);
    return new double[][] {angles.cos(), angles.sin()};
  }

  /** Angles of large positions are rounded before their cosine is taken. */
  private static void check(Rotary rotator, int row, int offset, long position) {
    double[][] got = at(rotator, row, offset);
    for (int i = 0; i < FREQUENCIES.length; i++) {
      double angle = position * FREQUENCIES[i];
      double near = CLOSE + 2 * Math.ulp(angle);
      assertThat(got[0][i])
          .as("cos, position %d", position)
          .isCloseTo(Math.cos(angle), within(near));
      assertThat(got[1][i])
          .as("sin, position %d", position)
          .isCloseTo(Math.sin(angle), within(near));
    }
  }

  private static void run(Rotary rotator, int row, long position, int count) {
    rotator.start(row, position, count);
    for (int t = 0; t < count; t++) {
      check(rotator, row, t, position + t);
    }
  }

  @Test
  void followsSingleSteps() {
    Rotary rotator = new Rotary(ElementType.FLOAT64, FREQUENCIES, 1, 1);
    for (int position = 0; position <= 40; position++) {
      run(rotator, 0, position, 1);
    }
  }

  @Test
  void followsRunsFromAnywhere() {
    Rotary rotator = new Rotary(ElementType.FLOAT64, FREQUENCIES, 1, 33);
    for (int start : new int[] {0, 15, 16, 17, 31, 3, 20, 18}) {
      for (int count : new int[] {0, 1, 2, 17, 33}) {
        run(rotator, 0, start, count);
      }
    }
  }

  @Test
  void goesBackAndJumps() {
    Rotary rotator = new Rotary(ElementType.FLOAT64, FREQUENCIES, 1, 5);
    for (long position : new long[] {20, 18, 3, 1_000_000, 1_000_003, 0}) {
      run(rotator, 0, position, 5);
    }
  }

  @Test
  void keepsRowsApart() {
    Rotary rotator = new Rotary(ElementType.FLOAT64, FREQUENCIES, 3, 4);
    rotator.start(0, 14, 4);
    rotator.start(1, 100, 0);
    rotator.start(2, 62, 2);
    for (int t = 0; t < 4; t++) {
      check(rotator, 0, t, 14 + t);
    }
    check(rotator, 2, 0, 62);
    check(rotator, 2, 1, 63);
  }

  @Test
  void givesTheSameBitsInARunAndInSteps() {
    Rotary run = new Rotary(ElementType.FLOAT64, FREQUENCIES, 1, 50);
    Rotary steps = new Rotary(ElementType.FLOAT64, FREQUENCIES, 1, 1);
    run.start(0, 7, 50);
    for (int t = 0; t < 50; t++) {
      steps.start(0, 7 + t, 1);
      assertThat(at(steps, 0, 0)).isDeepEqualTo(at(run, 0, t));
    }
  }

  /** In fp32: four roundings of what is at most 1, however far the position is. */
  @Test
  void roundsToTheTypeOfTheEngine() {
    Rotary narrow = new Rotary(ElementType.FLOAT32, FREQUENCIES, 1, 40);
    Angles angles = Angles.of(ElementType.FLOAT32, FREQUENCIES.length);
    for (long position : new long[] {0, 7, 1_000_003}) {
      narrow.start(0, position, 40);
      for (int t = 0; t < 40; t++) {
        narrow.at(0, t, angles);
        for (int i = 0; i < FREQUENCIES.length; i++) {
          double angle = (position + t) * FREQUENCIES[i];
          assertThat((double) angles.narrowCos()[i]).isCloseTo(Math.cos(angle), within(0x1p-22));
          assertThat((double) angles.narrowSin()[i]).isCloseTo(Math.sin(angle), within(0x1p-22));
        }
      }
    }
  }
}
