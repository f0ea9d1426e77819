package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final SamplingOptions DRAW = SamplingOptions.DEFAULT.withTemperature(1);

  /** Probabilities 1/2, 1/4, 1/8, 1/8 under the softmax. */
  private static final float[] HALVES = {
    (float) Math.log(8), (float) Math.log(4), (float) Math.log(2), (float) Math.log(2)
  };

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    Sampler s = new Sampler(SamplingOptions.DEFAULT, 5);
    assertThat(s.sample(new float[] {-2, 3, 1, 3, 0})).isEqualTo(1);
    assertThat(s.sample(new float[] {-0f, 0, -1, -1, -1})).isZero();
    assertThat(s.sample(new float[] {-3, -2, -1, Float.NEGATIVE_INFINITY, -9})).isEqualTo(2);
  }

  @Test
  void logProbabilityIsThatOfTheGivenLogits() {
    Sampler greedy = new Sampler(SamplingOptions.DEFAULT, 4);
    greedy.sample(HALVES);
    assertThat(greedy.logProbability()).isCloseTo(Math.log(0.5), within(1e-7));
    // Moved by 1e4: the largest must be taken off first.
    greedy.sample(new float[] {10_000, 10_000, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY});
    assertThat(greedy.logProbability()).isCloseTo(-Math.log(2), within(1e-15));

    // The penalty turns the choice to token 1, its probability stays 1/4.
    Sampler penalised =
        new Sampler(SamplingOptions.DEFAULT.withRepetitionPenalty(4).withTopK(1), 4);
    penalised.accept(0);
    assertThat(penalised.sample(HALVES)).isEqualTo(1);
    assertThat(penalised.logProbability()).isCloseTo(Math.log(0.25), within(1e-7));

    Sampler cut = new Sampler(DRAW.withTopK(1).withTemperature(9), 4);
    assertThat(cut.sample(HALVES)).isZero();
    assertThat(cut.logProbability()).isCloseTo(Math.log(0.5), within(1e-7));
  }

  @Test
  void penaltyDividesPositiveAndMultipliesNegativeLogitsOnce() {
    SamplingOptions o = SamplingOptions.DEFAULT.withRepetitionPenalty(2);
    Sampler s = new Sampler(o, 3);
    s.accept(0);
    s.accept(0);
    // 4/2 = 2 stays above 1.9; counted twice it would be 1.
    assertThat(s.sample(new float[] {4, 1.9f, 0})).isZero();
    assertThat(s.sample(new float[] {4, 2.1f, 0})).isEqualTo(1);
    // -1·2 = -2 < -1.9, and token 1 was seen with the choice before: -1·2 too.
    assertThat(s.sample(new float[] {-1, -1, -1.9f})).isEqualTo(2);
  }

  @Test
  void drawsWithTheProbabilitiesOfTheSoftmax() {
    assertFrequencies(new Sampler(DRAW.withSeed(1), 4), HALVES, 0.5, 0.25, 0.125, 0.125);
    // At temperature 1/2 the weights are squared: 64, 16, 4, 4 of 88.
    assertFrequencies(
        new Sampler(DRAW.withTemperature(0.5).withSeed(2), 4),
        HALVES,
        64 / 88.0,
        16 / 88.0,
        4 / 88.0,
        4 / 88.0);
  }

  @Test
  void topKKeepsTheLowerOfEqualTokens() {
    assertFrequencies(
        new Sampler(DRAW.withTopK(3).withSeed(3), 4), HALVES, 4 / 7., 2 / 7., 1 / 7., 0);
    assertFrequencies(new Sampler(DRAW.withTopK(9), 4), HALVES, 0.5, 0.25, 0.125, 0.125);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    assertFrequencies(new Sampler(DRAW.withTopP(0.4), 4), HALVES, 1, 0, 0, 0);
    assertFrequencies(new Sampler(DRAW.withTopP(0.6), 4), HALVES, 2 / 3., 1 / 3., 0, 0);
    assertFrequencies(new Sampler(DRAW.withTopP(0.8), 4), HALVES, 4 / 7., 2 / 7., 1 / 7., 0);
    assertFrequencies(new Sampler(DRAW.withTopP(0.9001), 4), HALVES, 0.5, 0.25, 0.125, 0.125);
    // After top-k the two that are left are 2/3 and 1/3.
    assertFrequencies(new Sampler(DRAW.withTopK(2).withTopP(0.65), 4), HALVES, 1, 0, 0, 0);
    assertFrequencies(new Sampler(DRAW.withTopK(2).withTopP(0.7), 4), HALVES, 2 / 3., 1 / 3., 0, 0);
    // The temperature comes before: 64/88 alone reach 0.7.
    assertFrequencies(new Sampler(DRAW.withTemperature(0.5).withTopP(0.7), 4), HALVES, 1, 0, 0, 0);
  }

  @Test
  void excludedTokensAreNeverDrawn() {
    float[] logits = {Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY, 0};
    assertFrequencies(new Sampler(DRAW, 4), logits, 0, 0.5, 0, 0.5);
    assertFrequencies(new Sampler(DRAW.withTopK(3), 4), logits, 0, 0.5, 0, 0.5);
  }

  /** 20000 draws: the deviation of a frequency is at most 0.0036. */
  private static void assertFrequencies(Sampler sampler, float[] logits, double... expected) {
    int draws = 20_000;
    int[] counts = new int[logits.length];
    for (int i = 0; i < draws; i++) {
      counts[sampler.sample(logits)]++;
    }
    for (int i = 0; i < counts.length; i++) {
      boolean certain = expected[i] == 0 || expected[i] == 1;
      assertThat(counts[i] / (double) draws)
          .as("token %d", i)
          .isCloseTo(expected[i], within(certain ? 0 : 0.02));
    }
  }

  /** Penalties that float holds exactly; sums of topP that no number of equal weights hits. */
  static Stream<SamplingOptions> options() {
    return Stream.of(
        DRAW,
        DRAW.withTopK(5),
        DRAW.withTopP(0.9001),
        DRAW.withTemperature(0.7).withTopK(40).withTopP(0.937).withRepetitionPenalty(1.25),
        DRAW.withTemperature(1.9).withTopP(0.3001).withRepetitionPenalty(0.75),
        DRAW.withTemperature(0.01),
        DRAW.withTopK(1),
        SamplingOptions.DEFAULT.withRepetitionPenalty(1.5));
  }

  @ParameterizedTest
  @MethodSource("options")
  void drawsWhatSortingEverythingDraws(SamplingOptions o) {
    SplittableRandom random = new SplittableRandom(11);
    for (int vocabulary : new int[] {1, 2, 3, 17, 256, 3000}) {
      SamplingOptions seeded = o.withSeed(random.nextLong());
      Sampler sampler = new Sampler(seeded, vocabulary);
      SamplerReference reference = new SamplerReference(seeded);
      sampler.accept(0);
      reference.accept(0);
      for (int step = 0; step < 40; step++) {
        float[] logits = logits(random, vocabulary, step % 3);
        assertThat(sampler.sample(logits))
            .as("vocabulary %d, step %d", vocabulary, step)
            .isEqualTo(reference.sample(logits));
      }
    }
  }

  /** Uniform, with many ties, or ascending. */
  private static float[] logits(SplittableRandom random, int count, int kind) {
    float[] logits = new float[count];
    for (int i = 0; i < count; i++) {
      float x = (float) (random.nextDouble() * 16 - 8);
      logits[i] = kind == 0 ? x : kind == 1 ? Math.round(x) : i * 0.01f;
    }
    return logits;
  }

  @Test
  void sameSeedSameTokensOtherSeedOthers() {
    float[] logits = logits(new SplittableRandom(3), 1000, 0);
    Sampler a = new Sampler(DRAW.withSeed(5), 1000);
    Sampler b = new Sampler(DRAW.withSeed(5), 1000);
    Sampler c = new Sampler(DRAW.withSeed(6), 1000);
    int[][] tokens = new int[3][20];
    for (int i = 0; i < 20; i++) {
      tokens[0][i] = a.sample(logits);
      tokens[1][i] = b.sample(logits);
      tokens[2][i] = c.sample(logits);
    }
    assertThat(tokens[1]).isEqualTo(tokens[0]);
    assertThat(tokens[2]).isNotEqualTo(tokens[0]);
  }

  @Test
  void leavesTheLogitsAlone() {
    float[] logits = HALVES.clone();
    Sampler s = new Sampler(DRAW.withTopK(2).withTopP(0.5).withRepetitionPenalty(2), 4);
    s.sample(logits);
    s.sample(logits);
    assertThat(logits).isEqualTo(HALVES);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void refusesLogitsOfAModelThatDiverged(float bad) {
    for (SamplingOptions o : new SamplingOptions[] {SamplingOptions.DEFAULT, DRAW}) {
      assertThatIllegalStateException()
          .isThrownBy(() -> new Sampler(o, 3).sample(new float[] {0, 1, bad}))
          .withMessageContainingAll("got " + bad, "token 2");
    }
  }

  @Test
  void refusesWhatCannotBeSampled() {
    Sampler s = new Sampler(SamplingOptions.DEFAULT, 2);
    float none = Float.NEGATIVE_INFINITY;
    assertThatIllegalStateException().isThrownBy(() -> s.sample(new float[] {none, none}));
    assertThatIllegalStateException().isThrownBy(s::logProbability);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> s.sample(new float[3]))
        .withMessage("expected 2 logits, got 3");
    for (int bad : new int[] {-1, 2}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> s.accept(bad))
          .withMessage("expected a token in 0..1, got " + bad);
    }
    assertThatIllegalArgumentException().isThrownBy(() -> new Sampler(DRAW, 0));
    Sampler overflowing = new Sampler(DRAW.withRepetitionPenalty(1e-30), 1);
    overflowing.accept(0);
    assertThatIllegalStateException().isThrownBy(() -> overflowing.sample(new float[] {1e30f}));
  }

  @Test
  void exponentialIsThatOfTheLibrary() {
    for (double x = 0; x > -708; x -= 0.0137) {
      assertThat(Exp.ofNonPositive(x) / StrictMath.exp(x)).isCloseTo(1, within(1e-15));
    }
    assertThat(Exp.ofNonPositive(0)).isEqualTo(1);
    assertThat(Exp.ofNonPositive(-709)).isZero();
    assertThat(Exp.ofNonPositive(Double.NEGATIVE_INFINITY)).isZero();
  }

  @Test
  void allocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long id = Thread.currentThread().getId();
    float[] logits = logits(new SplittableRandom(3), 32_000, 0);
    Sampler s =
        new Sampler(DRAW.withTopK(50).withTopP(0.9).withRepetitionPenalty(1.1), logits.length);
    for (int i = 0; i < 20; i++) {
      s.sample(logits);
    }
    long before = threads.getThreadAllocatedBytes(id);
    for (int i = 0; i < 100; i++) {
      s.sample(logits);
    }
    // Far less than one array of the vocabulary; the bean itself may allocate a little.
    assertThat(threads.getThreadAllocatedBytes(id) - before).isLessThan(4096);
  }

  /** The fewest tokens that reach the sum, also where they reach it exactly. */
  @Test
  void topPThatIsReachedExactlyKeepsNoMore() {
    for (int vocabulary = 2; vocabulary <= 64; vocabulary *= 2) {
      float[] equal = new float[vocabulary];
      for (int kept = 1; kept < vocabulary; kept++) {
        // Each has exactly 1/vocabulary; of equal ones the first are kept.
        assertThat(drawn(equal, (double) kept / vocabulary)).containsExactlyElementsOf(first(kept));
      }
    }
    // Half of the tokens have exactly nothing.
    float[] half = new float[32];
    Arrays.fill(half, 16, 32, -1e6f);
    assertThat(drawn(half, 0.25)).containsExactlyElementsOf(first(4));
  }

  private static List<Integer> first(int count) {
    return Stream.iterate(0, i -> i + 1).limit(count).toList();
  }

  private static TreeSet<Integer> drawn(float[] logits, double topP) {
    Sampler sampler = new Sampler(DRAW.withTopP(topP).withSeed(8), logits.length);
    TreeSet<Integer> drawn = new TreeSet<>();
    for (int i = 0; i < 40 * logits.length; i++) {
      drawn.add(sampler.sample(logits));
    }
    return drawn;
  }
}
