package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ops.ElementType;

/** The bounds are those that the mathematics fixes. */
class ToleranceTest {
  @Test
  void float64() {
    assertThat(Tolerance.reference(DataType.DOUBLE, true, 8192).perHead()).isEqualTo(1e-13);
    assertThat(Tolerance.reference(DataType.DOUBLE, false, 8192).perHead()).isEqualTo(1e-12);
    assertThat(Tolerance.forms(DataType.DOUBLE, true, 8192).perHead()).isEqualTo(1e-13);
    assertThat(Tolerance.forms(DataType.DOUBLE, false, 8192).perHead()).isEqualTo(1e-12);
    assertThat(Tolerance.block(DataType.DOUBLE).perHead()).isEqualTo(1e-12);
    assertThat(Bounds.torchscaleModel(ElementType.FLOAT64)).isEqualTo(1e-12);
  }

  @Test
  void float32() {
    assertThat(Tolerance.reference(DataType.FLOAT, true, 4096).perHead()).isEqualTo(2e-6);
    assertThat(Tolerance.reference(DataType.FLOAT, false, 4096).perHead()).isEqualTo(2e-6);
    assertThat(Tolerance.reference(DataType.FLOAT, true, 4097).perHead()).isEqualTo(5e-6);
    assertThat(Tolerance.forms(DataType.FLOAT, true, 4096).perHead()).isEqualTo(4e-6);
    assertThat(Tolerance.block(DataType.FLOAT).perHead()).isEqualTo(5e-6);
    assertThat(Bounds.torchscaleModel(ElementType.FLOAT32)).isEqualTo(2e-6);
  }

  @Test
  void aTokenMayHaveFourTimesAsMuch() {
    assertThat(Tolerance.reference(DataType.FLOAT, true, 1).perToken()).isEqualTo(8e-6);
    assertThat(Tolerance.of("mine", 0.25)).isEqualTo(new Tolerance("mine", 0.25, 1));
  }

  @Test
  void namesWhatIsCompared() {
    assertThat(Tolerance.reference(DataType.FLOAT, true, 10))
        .hasToString("fp32 core, up to 4096 tokens (2.0e-06 per head, 8.0e-06 per token)");
  }

  @Test
  void refusesNonsense() {
    assertThatThrownBy(() -> new Tolerance("", 0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tolerance("", 2, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Tolerance.of("", Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tolerance("", 1, Double.POSITIVE_INFINITY))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Tolerance.block(DataType.HALF))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HALF");
  }
}
