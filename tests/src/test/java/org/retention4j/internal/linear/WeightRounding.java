package org.retention4j.internal.linear;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.testkit.Tensors;

/** What weights of narrow types keep of a number, by plain arithmetic. */
public final class WeightRounding {
  private WeightRounding() {}

  /** Rounds to bfloat16 by arithmetic on the significand, ties to even; for normal numbers. */
  public static double bf16(double x) {
    if (x == 0) {
      return x;
    }
    double unit = Math.scalb(1.0, Math.getExponent(x) - 7);
    return Math.rint(x / unit) * unit;
  }

  /** Rounds every element to bfloat16. */
  public static INDArray rounded(INDArray array) {
    double[] values = Tensors.flat(array);
    for (int i = 0; i < values.length; i++) {
      values[i] = bf16(values[i]);
    }
    return Tensors.of(values, array.dataType(), array.shape());
  }

  /** Rounds rows to integers of at most 127 with a factor each. */
  public static INDArray integers(INDArray rows, int width) {
    double[] x = Tensors.flat(rows);
    for (int from = 0; from < x.length; from += width) {
      double max = 0;
      for (int i = from; i < from + width; i++) {
        max = Math.max(max, Math.abs(x[i]));
      }
      for (int i = from; i < from + width; i++) {
        // In fp32, as the processor rounds: in double a tie could go the other way.
        double integer = Math.rint((float) x[i] * (127 / (float) max));
        x[i] = max == 0 ? 0 : integer * (float) (max / 127);
      }
    }
    return Tensors.of(x, DataType.DOUBLE, rows.shape());
  }
}
