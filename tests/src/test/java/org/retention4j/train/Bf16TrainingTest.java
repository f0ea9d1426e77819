package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.data.TokenStreams;
import org.retention4j.train.data.TokenText;
import org.retention4j.train.story.StoryGrammar;

/** Training whose products are of bf16 learns as fast, and as reproducibly. */
class Bf16TrainingTest {
  private static final int ROWS = 8;
  private static final int LENGTH = 64;
  private static final int STEPS = 200;

  /** Steps that are looked at: the loss of one varies more than by what rounding does. */
  private static final int LAST = 50;

  /** What rounding may do to the mean loss of three runs; 0.03 % was seen, and 0.3 % of one run. */
  private static final double LOSS = 0.005;

  /**
   * Low enough that the loss does not fall so fast that any other rounding moves it by percents.
   */
  private static final double RATE = 5e-4;

  private static final int[] SEEDS = {1, 7, 9};

  @Test
  void theLossAfter200StepsIsThatOfFp32() {
    try (Engine engine = engine(2)) {
      assumeTrue(engine.multipliesBfloat16(), "this processor multiplies bf16");
      double wide = 0;
      double rounded = 0;
      for (int seed : SEEDS) {
        double[] expected = losses(engine, false, STEPS, seed);
        double[] losses = losses(engine, true, STEPS, seed);
        assertThat(losses).isNotEqualTo(expected);
        wide += mean(expected);
        rounded += mean(losses);
      }
      assertThat(rounded).isCloseTo(wide, within(LOSS * wide));
    }
  }

  @Test
  void theBitsDoNotDependOnLanes() {
    double[] one;
    try (Engine engine = engine(1)) {
      one = losses(engine, true, 5, 7);
    }
    try (Engine engine = engine(3)) {
      assertThat(losses(engine, true, 5, 7)).isEqualTo(one);
    }
  }

  private static Engine engine(int lanes) {
    return Engine.create(ElementType.FLOAT32, lanes, ComputeRoute.best());
  }

  private static double mean(double[] losses) {
    return Arrays.stream(losses, losses.length - LAST, losses.length).average().orElseThrow();
  }

  private static double[] losses(Engine engine, boolean bf16, int steps, int seed) {
    byte[] bytes = StoryGrammar.SMALL.text(1, 100_000);
    int[] tokens = new int[bytes.length];
    Arrays.setAll(tokens, i -> bytes[i]);
    TokenStreams source =
        new TokenStreams(
            TokenText.of(tokens, new int[] {0}, bytes.length),
            ROWS,
            LENGTH,
            1,
            TokenStreams.FRESH,
            3);
    TrainerOptions options =
        TrainerOptions.DEFAULT.withRate(RATE, Schedule.constant()).withBf16Products(bf16);
    try (LanguageModel model =
            LanguageModel.random(engine, ModelShapes.trained("ci"), WeightType.FLOAT32, seed);
        Trainer trainer = Trainer.of(engine, model, ROWS, LENGTH, options)) {
      double[] losses = new double[steps];
      for (int i = 0; i < steps; i++) {
        losses[i] = trainer.step(source).loss();
      }
      return losses;
    }
  }
}
