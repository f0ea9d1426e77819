package org.retention4j.core.reference;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ops.MatrixSource;

/**
 * Rows of numbers in plain float64, from which references are built.
 *
 * @since 0.1
 */
public final class ReferenceMath {
  private ReferenceMath() {}

  /** Copies an array's rows, the last dimension each, in row-major order. */
  public static double[][] rows(INDArray array) {
    return rows(array, (int) array.size(array.rank() - 1));
  }

  /** Copies an array's numbers in row-major order, so many in a row. */
  public static double[][] rows(INDArray array, int width) {
    double[] flat = flat(array);
    double[][] rows = new double[flat.length / width][width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(flat, i * width, rows[i], 0, width);
    }
    return rows;
  }

  /** Copies to float64 in row-major order. */
  public static double[] flat(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  /** Returns rows, one after the other, as a new array of a shape. */
  public static INDArray array(double[][] rows, long... shape) {
    int width = rows.length == 0 ? 0 : rows[0].length;
    double[] flat = new double[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, flat, i * width, width);
    }
    return Nd4j.createFromArray(flat).reshape(shape);
  }

  /** Copies a matrix (out,in). */
  public static double[][] rows(MatrixSource source) {
    double[][] rows = new double[source.rows()][source.columns()];
    for (int i = 0; i < rows.length; i++) {
      source.read(i, rows[i]);
    }
    return rows;
  }

  /**
   * Returns x·Wᵀ, row by row.
   *
   * @param w (out,in)
   */
  public static double[][] times(double[][] x, MatrixSource w) {
    return times(x, rows(w));
  }

  /**
   * Returns x·Wᵀ, row by row.
   *
   * @param w (out,in)
   */
  public static double[][] times(double[][] x, INDArray w) {
    return times(x, rows(w));
  }

  private static double[][] times(double[][] x, double[][] weight) {
    double[][] y = new double[x.length][weight.length];
    for (int i = 0; i < x.length; i++) {
      for (int o = 0; o < weight.length; o++) {
        for (int j = 0; j < weight[o].length; j++) {
          y[i][o] += x[i][j] * weight[o][j];
        }
      }
    }
    return y;
  }

  /** Returns a + b, row by row. */
  public static double[][] plus(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        sum[t][i] = a[t][i] + b[t][i];
      }
    }
    return sum;
  }

  /** Returns x·w/√(mean(x²) + eps), row by row. */
  public static double[][] rmsNorm(double[][] x, double[] weight, double eps) {
    double[][] y = new double[x.length][weight.length];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      double rms = Math.sqrt(squares / weight.length + eps);
      for (int i = 0; i < weight.length; i++) {
        y[t][i] = x[t][i] / rms * weight[i];
      }
    }
    return y;
  }
}
