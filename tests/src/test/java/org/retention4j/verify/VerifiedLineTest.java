package org.retention4j.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.core.reference.RelativeError;

/** A line holds when outputs, each token and states do. */
class VerifiedLineTest {
  @ParameterizedTest
  @CsvSource({
    "1e-6, 4e-6, 2e-6, true",
    "1.01e-6, 1e-6, 0, false",
    "1e-7, 4.01e-6, 0, false",
    "0, 0, 2.01e-6, false",
    "Infinity, 0, 0, false",
    "0, Infinity, 0, false",
    "0, 0, NaN, false"
  })
  void holdsWithinItsBounds(double head, double token, double state, boolean holds) {
    RelativeError output = new RelativeError(head, token);
    VerifiedLine line =
        new VerifiedLine(
            0, "layer", "parallel", "float32", output, new RelativeError(state, 0), 1e-6, 2e-6);
    assertThat(line.holds()).isEqualTo(holds);
  }
}
