package org.retention4j.internal.linear;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.testkit.Tensors;

/** Rows that are not finite, or nearly not, times bf16 weights: what fp32 arithmetic gives. */
class NonFiniteProductsTest {
  private static final int OUTPUTS = 70;

  /** A weight of either sign that bf16 holds exactly. */
  private static double weight(int output, int input) {
    return ((output + input) % 2 == 0 ? 1 : -1) * (1 + (3 * output + input) % 8 / 4.0);
  }

  @ParameterizedTest
  @CsvSource({
    "PLAIN, 1, 40", "PLAIN, 2, 40", "PLAIN, 33, 600", "PLAIN, 95, 40", "PLAIN, 96, 600",
    "VECTOR, 1, 40", "VECTOR, 2, 40", "VECTOR, 33, 600", "VECTOR, 95, 40", "VECTOR, 96, 600"
  })
  void productsAreThoseOfPlainArithmetic(ComputeRoute provider, int rows, int inputs) {
    float[] specials = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f, Float.MAX_VALUE, 1e30f
    };
    INDArray w = Nd4j.create(DataType.FLOAT, OUTPUTS, inputs);
    for (int o = 0; o < OUTPUTS; o++) {
      for (int i = 0; i < inputs; i++) {
        w.putScalar(o, i, weight(o, i));
      }
    }
    for (float special : specials) {
      INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, rows, inputs);
      int row = rows / 2;
      int at = inputs - 3;
      x.putScalar(0, row, at, special);
      INDArray y = product(Engines.of(ElementType.FLOAT32, provider), w, x);
      for (int r = 0; r < rows; r++) {
        for (int o = 0; o < OUTPUTS; o++) {
          String what = String.format("%s: row %d, output %d", special, r, o);
          float actual = y.getFloat(0, r, o);
          if (r != row) {
            assertThat(actual).as(what).isFinite();
          } else {
            // The others are too small to be seen beside it.
            float expected = (float) (special * weight(o, at));
            if (Float.isFinite(expected)) {
              assertThat(actual / expected).as(what).isBetween(1 - 1e-6f, 1 + 1e-6f);
            } else {
              // Boxed, for NaN is NaN here.
              assertThat((Float) actual).as(what).isEqualTo((Float) expected);
            }
          }
        }
      }
    }
  }

  private static INDArray product(Engine engine, INDArray w, INDArray x) {
    try (PackedMatrix packed = engine.pack(w, WeightType.BFLOAT16)) {
      return RowProducts.multiply(engine, x, packed, false, Activation.NONE);
    }
  }
}
