package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.RowOps;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.RowView;

/** Rows in double precision. */
final class Fp64Rows implements RowOps {
  private double[] row = new double[64];
  private double[] second = new double[64];

  private double[] row(int n) {
    if (row.length < n) {
      row = new double[n];
    }
    return row;
  }

  private double[] second(int n) {
    if (second.length < n) {
      second = new double[n];
    }
    return second;
  }

  @Override
  public void rotate(
      RowView x,
      int batch,
      long token,
      int head,
      boolean interleaved,
      Angles angles,
      double factor) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    rotate(r, 0, x.width() / 2, interleaved, angles, factor);
    x.write(batch, token, head, r);
  }

  @Override
  public void rotateHeads(
      RowView x,
      int heads,
      int channels,
      long token,
      int n,
      boolean interleaved,
      Angles[] angles,
      double factor,
      RowView out) {
    double[] r = row(x.width());
    for (int i = 0; i < n; i++) {
      x.read(0, token + i, 0, r);
      for (int from = 0; from < x.width(); from += x.width() / heads) {
        rotate(r, from, channels / 2, interleaved, angles[i], factor);
      }
      out.write(0, token + i, 0, r);
    }
  }

  private static void rotate(
      double[] r, int from, int half, boolean interleaved, Angles angles, double factor) {
    double[] cos = angles.cos();
    double[] sin = angles.sin();
    int step = interleaved ? 2 : 1;
    int partner = interleaved ? 1 : half;
    for (int i = 0; i < half; i++) {
      int at = from + i * step;
      double a = r[at];
      double b = r[at + partner];
      r[at] = (a * cos[i] - b * sin[i]) * factor;
      r[at + partner] = (b * cos[i] + a * sin[i]) * factor;
    }
  }

  @Override
  public void scale(RowView x, int batch, long token, int head, double factor) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    for (int i = 0; i < x.width(); i++) {
      r[i] *= factor;
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void activate(RowView x, Activation f, int batch, long token, int head) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    for (int i = 0; i < x.width(); i++) {
      r[i] = f.at(r[i]);
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void center(RowView x, int batch, long token, int head) {
    int n = x.width();
    double[] r = row(n);
    x.read(batch, token, head, r);
    double mean = 0;
    for (int i = 0; i < n; i++) {
      mean += r[i] / n;
    }
    for (int i = 0; i < n; i++) {
      r[i] -= mean;
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void rmsNorm(
      RowView x,
      double factor,
      double[] weight,
      double eps,
      RowView out,
      int batch,
      long token,
      int head) {
    int n = x.width();
    double[] r = row(n);
    x.read(batch, token, head, r);
    double inverse = scaleAndMeasure(r, n, factor, eps);
    for (int i = 0; i < n; i++) {
      r[i] *= inverse * (weight.length == 0 ? 1 : weight[i]);
    }
    out.write(batch, token, head, r);
  }

  @Override
  public void gatedRmsNorm(
      RowView x,
      double factor,
      double[] weight,
      double eps,
      RowView gate,
      RowView out,
      int batch,
      long token,
      int head) {
    int n = x.width();
    double[] r = row(n);
    double[] g = second(n);
    x.read(batch, token, head, r);
    gate.read(batch, token, head, g);
    double inverse = scaleAndMeasure(r, n, factor, eps);
    for (int i = 0; i < n; i++) {
      r[i] *= inverse * (weight.length == 0 ? 1 : weight[i]) * g[i];
    }
    out.write(batch, token, head, r);
  }

  /** x ← factor·x; returns 1 / √(mean(x²) + eps), x made smaller where x² leaves a double. */
  private static double scaleAndMeasure(double[] x, int n, double factor, double eps) {
    for (int i = 0; i < n; i++) {
      x[i] *= factor;
    }
    double sum = sumOfSquares(x, n);
    double added = eps;
    if (Double.isInfinite(sum)) {
      // Squares leave the range of a double, and eps is nothing beside them.
      for (int i = 0; i < n; i++) {
        x[i] *= 0x1p-600;
      }
      sum = sumOfSquares(x, n);
      added = 0;
    }
    return 1 / Math.sqrt(sum / n + added);
  }

  private static double sumOfSquares(double[] x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[i] * x[i];
    }
    return sum;
  }

  @Override
  public void multiply(RowView a, RowView b, int batch, long token, int head) {
    double[] x = row(a.width());
    double[] y = second(a.width());
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < a.width(); i++) {
      x[i] *= y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(RowView a, RowView b, int batch, long token, int head) {
    double[] x = row(a.width());
    double[] y = second(a.width());
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < a.width(); i++) {
      x[i] += y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(RowView a, double[] b, int batch, long token, int head) {
    double[] x = row(a.width());
    a.read(batch, token, head, x);
    for (int i = 0; i < a.width(); i++) {
      x[i] += b[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void embed(RowTable table, int index, double factor, RowView out, int b, long token) {
    double[] x = row(out.width());
    table.read(index, x);
    for (int i = 0; i < out.width(); i++) {
      x[i] *= factor;
    }
    out.write(b, token, 0, x);
  }

  @Override
  public void copy(
      RowView x,
      int batch,
      long token,
      int head,
      RowView out,
      int outBatch,
      long outToken,
      int outHead) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    out.write(outBatch, outToken, outHead, r);
  }

  @Override
  public void clear(RowView out, int batch, long token, int head, int n) {
    double[] x = row(out.width());
    Arrays.fill(x, 0, out.width(), 0);
    for (int i = 0; i < n; i++) {
      out.write(batch, token + i, head, x);
    }
  }
}
