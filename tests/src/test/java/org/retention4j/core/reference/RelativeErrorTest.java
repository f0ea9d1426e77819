package org.retention4j.core.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class RelativeErrorTest {
  @Test
  void findsTheWorstHeadAndTheWorstToken() {
    // (1,2,2,1): token 0 has heads 3 and 1, token 1 has heads 4 and 1.
    INDArray b = Nd4j.createFromArray(3f, 1f, 4f, 1f).reshape(1, 2, 2, 1);
    INDArray a = Nd4j.createFromArray(3f, 1f, 5f, 1f).reshape(1, 2, 2, 1);
    RelativeError error = RelativeError.ofTokens(a, b);
    assertThat(error.perHead()).isCloseTo(0.2, within(1e-12));
    assertThat(error.perToken()).isCloseTo(0.25, within(1e-12));
    assertThat(RelativeError.ofTokens(b, b).perToken()).isZero();
  }

  @Test
  void lendsNoHeadToAnother() {
    INDArray b = Nd4j.createFromArray(1000f, 1f).reshape(1, 2, 1, 1);
    INDArray a = Nd4j.createFromArray(1000f, 2f).reshape(1, 2, 1, 1);
    assertThat(RelativeError.ofStates(a, b).perHead()).isCloseTo(1, within(1e-12));
  }

  @Test
  void neverLosesANaN() {
    INDArray b = Nd4j.createFromArray(1f, 1f).reshape(1, 2, 1);
    INDArray a = Nd4j.createFromArray(Float.NaN, 1f).reshape(1, 2, 1);
    assertThat(RelativeError.ofTokens(a, b).perHead()).isInfinite();
  }
}
