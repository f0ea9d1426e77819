package org.retention4j.internal.float64;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.GradientOps;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** The way back in double precision. */
final class Fp64Gradients implements GradientOps {
  private final double[][] rows = new double[4][64];

  private double[] row(int i, int n) {
    if (rows[i].length < n) {
      rows[i] = new double[n];
    }
    return rows[i];
  }

  private double[] read(int i, RowView x, int batch, long token, int head) {
    double[] r = row(i, x.width());
    x.read(batch, token, head, r);
    return r;
  }

  @Override
  public void activate(
      RowView x, Activation f, RowView out, int batch, long token, int n, int head) {
    for (long t = token; t < token + n; t++) {
      double[] r = read(0, x, batch, t, head);
      for (int i = 0; i < x.width(); i++) {
        r[i] = f.at(r[i]);
      }
      out.write(batch, t, head, r);
    }
  }

  @Override
  public void activateBack(
      RowView x, Activation f, RowView dy, int batch, long token, int n, int head) {
    for (long t = token; t < token + n; t++) {
      double[] r = read(0, x, batch, t, head);
      double[] d = read(1, dy, batch, t, head);
      for (int i = 0; i < x.width(); i++) {
        d[i] *= f.slope(r[i]);
      }
      dy.write(batch, t, head, d);
    }
  }

  @Override
  public void gate(
      RowView gate, Activation f, RowView x, RowView out, int batch, long token, int n, int head) {
    for (long t = token; t < token + n; t++) {
      double[] g = read(0, gate, batch, t, head);
      double[] r = read(1, x, batch, t, head);
      for (int i = 0; i < x.width(); i++) {
        r[i] *= f.at(g[i]);
      }
      out.write(batch, t, head, r);
    }
  }

  @Override
  public void gateBack(
      RowView gate,
      Activation f,
      RowView x,
      RowView y,
      RowView dy,
      RowView dGate,
      RowView dx,
      int batch,
      long token,
      int n,
      int head) {
    for (long t = token; t < token + n; t++) {
      double[] g = read(0, gate, batch, t, head);
      double[] r = read(1, x, batch, t, head);
      double[] d = read(2, dy, batch, t, head);
      double[] again = row(3, x.width());
      for (int i = 0; i < x.width(); i++) {
        double value = f.at(g[i]);
        again[i] = value * r[i];
        g[i] = f.slope(g[i]) * r[i] * d[i];
        r[i] = d[i] * value;
      }
      y.write(batch, t, head, again);
      dGate.write(batch, t, head, g);
      dx.write(batch, t, head, r);
    }
  }

  @Override
  public void normBack(
      RowView x,
      double factor,
      boolean centered,
      double[] weight,
      double eps,
      RowView dy,
      RowView dx,
      boolean add,
      double[] dWeight,
      int at,
      int batch,
      long token,
      int n,
      int head) {
    for (int i = 0; i < n; i++) {
      normBack(x, factor, centered, weight, eps, dy, dx, add, dWeight, at, batch, token + i, head);
    }
  }

  private void normBack(
      RowView x,
      double factor,
      boolean centered,
      double[] weight,
      double eps,
      RowView dy,
      RowView dx,
      boolean add,
      double[] dWeight,
      int at,
      int batch,
      long token,
      int head) {
    int n = x.width();
    double[] u = read(0, x, batch, token, head);
    double[] d = read(1, dy, batch, token, head);
    double mean = centered ? sum(u, n) / n : 0;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      u[i] = factor * (u[i] - mean);
      squares += u[i] * u[i];
    }
    double r = 1 / Math.sqrt(squares / n + eps);
    double dot = 0;
    for (int i = 0; i < n; i++) {
      if (dWeight.length > 0) {
        dWeight[at + i] += d[i] * u[i] * r;
      }
      d[i] *= weight.length > 0 ? weight[i] : 1;
      dot += d[i] * u[i];
    }
    double along = r * r * dot / n;
    for (int i = 0; i < n; i++) {
      d[i] = factor * r * (d[i] - u[i] * along);
    }
    double shift = centered ? sum(d, n) / n : 0;
    double[] to = row(2, n);
    if (add) {
      dx.read(batch, token, head, to);
    }
    for (int i = 0; i < n; i++) {
      to[i] = (add ? to[i] : 0) + d[i] - shift;
    }
    dx.write(batch, token, head, to);
  }

  @Override
  public void gatedNorms(
      RowView x,
      int groups,
      double[] factors,
      double[] weight,
      double eps,
      RowView gate,
      Activation f,
      RowView out,
      long token,
      int n) {
    int size = x.width() / groups;
    for (int i = 0; i < n; i++) {
      double[] u = read(0, x, 0, token + i, 0);
      double[] g = read(1, gate, 0, token + i, 0);
      for (int group = 0; group < groups; group++) {
        double r = scale(u, size, group, groups, factors, i, eps);
        for (int j = group * size; j < (group + 1) * size; j++) {
          u[j] *= r * f.at(g[j]) * at(weight, j, size);
        }
      }
      out.write(0, token + i, 0, u);
    }
  }

  @Override
  public void gatedNormsBack(
      RowView x,
      int groups,
      double[] factors,
      double[] weight,
      double eps,
      RowView gate,
      Activation f,
      RowView y,
      RowView dy,
      RowView dGate,
      RowView dx,
      double[] sums,
      long token,
      int n) {
    int size = x.width() / groups;
    for (int i = 0; i < n; i++) {
      double[] u = read(0, x, 0, token + i, 0);
      double[] g = read(1, gate, 0, token + i, 0);
      double[] d = read(2, dy, 0, token + i, 0);
      double[] again = row(3, x.width());
      for (int group = 0; group < groups; group++) {
        double r = scale(u, size, group, groups, factors, i, eps);
        double dot = 0;
        for (int j = group * size; j < (group + 1) * size; j++) {
          double gradient = d[j] * f.at(g[j]);
          if (sums.length > 0) {
            sums[weight.length == size ? j % size : j] += gradient * r * u[j];
          }
          again[j] = f.at(g[j]) * r * u[j] * at(weight, j, size);
          g[j] = d[j] * f.slope(g[j]) * r * u[j] * at(weight, j, size);
          d[j] = gradient * at(weight, j, size);
          dot += d[j] * u[j];
        }
        double along = r * r * dot / size;
        for (int j = group * size; j < (group + 1) * size; j++) {
          d[j] = r * (d[j] - u[j] * along);
        }
      }
      y.write(0, token + i, 0, again);
      dGate.write(0, token + i, 0, g);
      dx.write(0, token + i, 0, d);
    }
  }

  /** Returns factor / √(mean(u²) + eps) of a group with u = factor·x. */
  private static double scale(
      double[] x, int size, int group, int groups, double[] factors, int row, double eps) {
    double factor = factors.length == 0 ? 1 : factors[row * groups + group];
    double squares = 0;
    for (int j = group * size; j < (group + 1) * size; j++) {
      squares += x[j] * x[j];
    }
    return factor / Math.sqrt(squares * factor * factor / size + eps);
  }

  private static double at(double[] weight, int j, int size) {
    return weight.length == 0 ? 1 : weight[weight.length == size ? j % size : j];
  }

  private static double sum(double[] x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[i];
    }
    return sum;
  }

  @Override
  public void addTo(RowView x, double[] sums, int at, int batch, long token, int head) {
    double[] r = read(0, x, batch, token, head);
    for (int i = 0; i < x.width(); i++) {
      sums[at + i] += r[i];
    }
  }

  @Override
  public double crossEntropy(RowView x, int target, double scale, int batch, long token, int head) {
    int n = x.width();
    double[] r = read(0, x, batch, token, head);
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, r[i]);
    }
    double own = r[target] - max;
    double sum = 0;
    for (int i = 0; i < n; i++) {
      r[i] = Math.exp(r[i] - max);
      sum += r[i];
    }
    for (int i = 0; i < n; i++) {
      r[i] *= scale / sum;
    }
    r[target] -= scale;
    x.write(batch, token, head, r);
    return Math.log(sum) - own;
  }

  @Override
  public void softmaxBack(Tile p, Tile dp, int n) {
    Fp64Tile left = (Fp64Tile) p;
    Fp64Tile right = (Fp64Tile) dp;
    for (int i = 0; i < n; i++) {
      double[] a = left.row(i);
      double[] b = right.row(i);
      double dot = 0;
      for (int j = 0; j < p.columns(); j++) {
        dot += a[left.column() + j] * b[right.column() + j];
      }
      for (int j = 0; j < p.columns(); j++) {
        b[right.column() + j] = a[left.column() + j] * (b[right.column() + j] - dot);
      }
    }
  }
}
