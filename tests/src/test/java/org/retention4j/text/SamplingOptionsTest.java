package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingOptionsTest {
  private static final SamplingOptions O = SamplingOptions.DEFAULT;

  @Test
  void defaultIsGreedy() {
    assertThat(O).isEqualTo(new SamplingOptions(0, 0, 1, 1, 0));
    assertThat(O.greedy()).isTrue();
    assertThat(O.withTemperature(1e-9).greedy()).isFalse();
  }

  @Test
  void changesOneValueAtATime() {
    assertThat(
            O.withTemperature(0.5).withTopK(3).withTopP(0.9).withRepetitionPenalty(1.2).withSeed(7))
        .isEqualTo(new SamplingOptions(0.5, 3, 0.9, 1.2, 7));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-300, Double.NaN, Double.POSITIVE_INFINITY})
  void refusesTemperature(double bad) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> O.withTemperature(bad))
        .withMessage("expected a finite temperature >= 0, 0 for greedy, got " + bad);
  }

  @Test
  void refusesTopK() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> O.withTopK(-1))
        .withMessage("expected topK >= 0, 0 for off, got -1");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.1, 1.0000001, Double.NaN, Double.POSITIVE_INFINITY})
  void refusesTopP(double bad) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> O.withTopP(bad))
        .withMessage("expected topP in (0, 1], 1 for off, got " + bad);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, 1e-60, 1e60, Double.NaN, Double.POSITIVE_INFINITY})
  void refusesRepetitionPenalty(double bad) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> O.withRepetitionPenalty(bad))
        .withMessage("expected a finite repetitionPenalty > 0, 1 for off, got " + bad);
  }

  @Test
  void acceptsTheEdges() {
    assertThatCode(() -> new SamplingOptions(1e300, Integer.MAX_VALUE, 1e-12, 0.5, Long.MIN_VALUE))
        .doesNotThrowAnyException();
  }
}
