package org.retention4j.internal.float64;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.engine.ops.Product;

/** c ← (c +) a·b in double precision. */
final class Fp64Product implements Product {
  private final Fp64Tile a;
  private final boolean transposeA;
  private final Fp64Tile b;
  private final boolean transposeB;
  private final Fp64Tile c;
  private final boolean accumulate;

  Fp64Product(
      Fp64Tile a,
      boolean transposeA,
      Fp64Tile b,
      boolean transposeB,
      Fp64Tile c,
      boolean accumulate) {
    int inner = transposeA ? a.rows() : a.columns();
    int rows = transposeA ? a.columns() : a.rows();
    int innerB = transposeB ? b.columns() : b.rows();
    int columns = transposeB ? b.rows() : b.columns();
    if (inner != innerB || rows != c.rows() || columns != c.columns()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected (M,N)·(N,P) -> (M,P), got (%d,%d)·(%d,%d) -> (%d,%d)",
              rows,
              inner,
              innerB,
              columns,
              c.rows(),
              c.columns()));
    }
    this.a = a;
    this.transposeA = transposeA;
    this.b = b;
    this.transposeB = transposeB;
    this.c = c;
    this.accumulate = accumulate;
  }

  @Override
  public String implementation() {
    return "java:float64";
  }

  @Override
  public void run() {
    int inner = transposeA ? a.rows() : a.columns();
    for (int i = 0; i < c.rows(); i++) {
      double[] sum = c.row(i);
      if (!accumulate) {
        Arrays.fill(sum, c.column(), c.column() + c.columns(), 0);
      }
      if (transposeB) {
        for (int j = 0; j < c.columns(); j++) {
          sum[c.column() + j] += dot(i, j, inner);
        }
      } else {
        for (int p = 0; p < inner; p++) {
          addRow(left(i, p), b.row(p), sum);
        }
      }
    }
  }

  private double left(int i, int p) {
    return transposeA ? a.row(p)[a.column() + i] : a.row(i)[a.column() + p];
  }

  private double dot(int i, int j, int inner) {
    double sum = 0;
    double[] right = b.row(j);
    for (int p = 0; p < inner; p++) {
      sum += left(i, p) * right[b.column() + p];
    }
    return sum;
  }

  private void addRow(double factor, double[] row, double[] sum) {
    if (b.column() == 0 && c.column() == 0) {
      addScaled(factor, row, sum, c.columns());
      return;
    }
    for (int j = 0; j < c.columns(); j++) {
      sum[c.column() + j] += factor * row[b.column() + j];
    }
  }

  /** y[j] ← y[j] + factor·x[j] for j &lt; n. */
  static void addScaled(double factor, double[] x, double[] y, int n) {
    for (int j = 0; j < n; j++) {
      y[j] += factor * x[j];
    }
  }
}
