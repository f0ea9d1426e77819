package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.RetentionConfig;
import org.retention4j.forms.Engines;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.Horizon;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.testkit.RecallExperiment;

/** What a head remembers: by hand, in more digits than double has, and as it is measured. */
class HorizonTest {
  /** Worked out with 30 digits. */
  @ParameterizedTest
  @CsvSource({
    "5, 64, 64, 1000, 21.8323023417191, 45.7284444273097",
    "5, 256, 512, 32000, 21.8323023417191, 93.9056480897329",
    "8, 256, 512, 32000, 177.098878557434, 497.855928725472",
    "12, 256, 512, 32000, 2838.78426387942, 2306.50408349753",
    "13, 256, 512, 32000, 5677.91512250530, 1774.58222061105",
    "3, 16, 16, 97, 5.19089306968443, 7.04199148254252",
    "20, 4096, 8192, 2, 726817.151429180, 2009200.86305068"
  })
  void isWhatTheFormulaSays(int h, int k, int v, int vocabulary, double life, double tokens) {
    Horizon horizon = new Horizon(Math.log1p(-Math.pow(2, -h)), k, v, vocabulary);
    assertThat(horizon.halfLife()).isCloseTo(life, withinPercentage(1e-11));
    assertThat(horizon.tokens()).isCloseTo(tokens, withinPercentage(1e-9));
  }

  /** 64·64/(2 ln 1000) = 4096/13.815510557964274. */
  @Test
  void withoutDecayItIsTheCapacity() {
    Horizon horizon = new Horizon(0, 64, 64, 1000);
    assertThat(horizon.capacity()).isCloseTo(296.478366, within(1e-6));
    assertThat(horizon.tokens()).isEqualTo(horizon.capacity());
    assertThat(horizon.halfLife()).isInfinite();
  }

  /** Where the ratio is 1 or less a value is in the noise from the beginning: 1−γ² = 1/capacity. */
  @Test
  void whatIsInTheNoiseAtOnceIsNeverRemembered() {
    double edge = 0.5 * Math.log1p(-1 / new Horizon(0, 64, 64, 1000).capacity());
    assertThat(new Horizon(edge * 0.99, 64, 64, 1000).tokens()).isZero();
    assertThat(new Horizon(edge * 1.01, 64, 64, 1000).tokens()).isBetween(1.0, 4.0);
    assertThat(new Horizon(-1e-300, 64, 64, 1000).tokens()).isZero();
    assertThat(new Horizon(-50, 256, 512, 32000).tokens()).isBetween(0.0, 1.0);
  }

  @Test
  void oneTokenIsNeverMistaken() {
    assertThat(new Horizon(-0.1, 2, 2, 1).tokens()).isInfinite();
    assertThat(new Horizon(0, 2, 2, 1).tokens()).isInfinite();
  }

  @Test
  void rangesAreNamed() {
    for (double g : new double[] {1e-9, Double.NaN, Double.NEGATIVE_INFINITY}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Horizon(g, 2, 2, 2))
          .withMessageContaining("ln γ <= 0, got " + g);
    }
    for (int[] sizes : new int[][] {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Horizon(-1, sizes[0], sizes[1], sizes[2]))
          .withMessageContaining("at least 1, got " + sizes[0] + ", " + sizes[1]);
    }
  }

  @Test
  void aMixerSaysItOfItsHeads() {
    RetentionConfig block =
        RetentionConfig.builder(64, 3)
            .keyWidth(64)
            .valueWidth(64)
            .decay(DecaySchedule.custom(0.96875, 1 - Math.pow(2, -40), 1))
            .build();
    List<String> lines = new RetentionMixerConfig(block).details(1000);
    assertThat(lines).hasSize(5);
    assertThat(lines.get(0)).isEqualTo("capacity 296.5 pairs per head, without decay");
    assertThat(lines.get(1).split(" +")).contains("head", "γ", "half-life", "horizon");
    assertThat(lines.get(2).strip().split(" +")).containsExactly("0", "0.96875", "21.8", "45.7");
    assertThat(lines.get(3).strip().split(" +"))
        .containsExactly("1", "1", "-", "9.095e-13", "762,123,384,785", "0.0");
    assertThat(lines.get(4).strip().split(" +")).containsExactly("2", "1", "unbounded", "296.5");
    assertThat(AttentionConfig.multiHead(64, 2).details(1000)).isEmpty();
  }

  /**
   * γ = 1−2^−h, within 15 %: what is measured on states that the chunkwise form has written. The
   * sizes are those for which the formula is made; docs/numerics.md says how far others are off.
   */
  @ParameterizedTest
  @CsvSource({
    "5, 64, 64, 1000",
    "5, 256, 64, 1000",
    "6, 512, 32, 400",
    "7, 256, 64, 4000",
    "8, 256, 64, 4000"
  })
  void aStateRemembersSoLong(int h, int k, int v, int vocabulary) {
    double g = Math.log1p(-Math.pow(2, -h));
    double measured = experiment(k, v, vocabulary).horizon(g);
    assertThat(measured).isCloseTo(new Horizon(g, k, v, vocabulary).tokens(), withinPercentage(15));
  }

  @ParameterizedTest
  @CsvSource({"128, 128, 2000", "256, 128, 4000"})
  void aStateWithoutDecayHoldsSoMuch(int k, int v, int vocabulary) {
    double measured = experiment(k, v, vocabulary).capacity();
    assertThat(measured).isCloseTo(new Horizon(0, k, v, vocabulary).tokens(), withinPercentage(15));
  }

  private static RecallExperiment experiment(int k, int v, int vocabulary) {
    return new RecallExperiment(Engines.plain(), new ChunkwiseForm(), k, v, vocabulary, 1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, Double.NaN, Double.NEGATIVE_INFINITY})
  void theExperimentNeedsADecay(double g) {
    RecallExperiment some = experiment(2, 2, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> some.horizon(g))
        .withMessageContaining("got " + g);
  }

  /** A state of four numbers tells no thousand codes apart, at any age but the youngest. */
  @Test
  void aSmallStateRemembersNothing() {
    RecallExperiment small = experiment(2, 2, 1000);
    assertThat(small.horizon(Math.log(0.97))).isZero();
    assertThat(small.capacity()).isBetween(0.5, 3.0);
    assertThat(experiment(8, 16, 50).capacity()).isEqualTo(experiment(8, 16, 50).capacity());
  }
}
