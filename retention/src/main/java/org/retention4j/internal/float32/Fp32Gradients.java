package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.GradientOps;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/** The way back on rows copied to the heap; sums over a row in double. */
final class Fp32Gradients implements GradientOps {
  /** Beyond it squares are summed in double. */
  private static final float LARGEST_SUM = 1e30f;

  private final Kernels kernels;
  private final GrowableFloats first = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats third = new GrowableFloats();
  private final GrowableFloats values = new GrowableFloats();
  private final GrowableFloats slopes = new GrowableFloats();
  private final GrowableFloats weights = new GrowableFloats();
  private final GrowableFloats sums = new GrowableFloats();
  private final GrowableFloats groupValues = new GrowableFloats();
  private final GrowableFloats groupGradient = new GrowableFloats();
  private final GrowableFloats groupScales = new GrowableFloats();
  private final GrowableFloats normedRow = new GrowableFloats();
  private final GrowableFloats againRow = new GrowableFloats();

  Fp32Gradients(Kernels kernels) {
    this.kernels = kernels;
  }

  private static float[] read(GrowableFloats to, RowView x, int batch, long token, int head) {
    float[] r = to.atLeast(x.width());
    x.read(batch, token, head, r);
    return r;
  }

  /** Returns f(x). */
  private float[] values(Activation f, float[] x, int n) {
    float[] value = values.atLeast(n);
    switch (f) {
      case SILU -> {
        kernels.sigmoid(x, value, n);
        kernels.multiply(value, x, n);
      }
      case SIGMOID -> kernels.sigmoid(x, value, n);
      default -> {
        for (int i = 0; i < n; i++) {
          value[i] = (float) f.at(x[i]);
        }
      }
    }
    return value;
  }

  /** Leaves f(x) in {@link #values} and f'(x) in {@link #slopes}. */
  private void evaluate(Activation f, float[] x, int n) {
    float[] value = values.atLeast(n);
    float[] slope = slopes.atLeast(n);
    switch (f) {
      case SILU -> {
        kernels.sigmoid(x, value, n);
        for (int i = 0; i < n; i++) {
          slope[i] = value[i] * (1 + x[i] * (1 - value[i]));
        }
        kernels.multiply(value, x, n);
      }
      case SIGMOID -> {
        kernels.sigmoid(x, value, n);
        for (int i = 0; i < n; i++) {
          slope[i] = value[i] * (1 - value[i]);
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          value[i] = (float) f.at(x[i]);
          slope[i] = (float) f.slope(x[i]);
        }
      }
    }
  }

  @Override
  public void activate(RowView x, Activation f, RowView out, int batch, long token, int head) {
    float[] r = read(first, x, batch, token, head);
    out.write(batch, token, head, values(f, r, x.width()));
  }

  @Override
  public void activateBack(RowView x, Activation f, RowView dy, int batch, long token, int head) {
    float[] r = read(first, x, batch, token, head);
    float[] d = read(second, dy, batch, token, head);
    evaluate(f, r, x.width());
    kernels.multiply(d, slopes.atLeast(x.width()), x.width());
    dy.write(batch, token, head, d);
  }

  @Override
  public void gate(
      RowView gate, Activation f, RowView x, RowView out, int batch, long token, int head) {
    float[] g = read(first, gate, batch, token, head);
    float[] r = read(second, x, batch, token, head);
    kernels.multiply(r, values(f, g, x.width()), x.width());
    out.write(batch, token, head, r);
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
      int head) {
    int n = x.width();
    float[] g = read(first, gate, batch, token, head);
    float[] r = read(second, x, batch, token, head);
    float[] d = read(third, dy, batch, token, head);
    evaluate(f, g, n);
    System.arraycopy(r, 0, g, 0, n);
    kernels.multiply(g, values.atLeast(n), n);
    y.write(batch, token, head, g);
    kernels.multiply(r, d, n);
    kernels.multiply(r, slopes.atLeast(n), n);
    kernels.multiply(d, values.atLeast(n), n);
    dGate.write(batch, token, head, r);
    dx.write(batch, token, head, d);
  }

  /** Sums over the rows are kept in fp32 here and added in double: there are few at once. */
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
    int width = x.width();
    float[] narrow = weights.atLeast(width);
    for (int i = 0; i < weight.length; i++) {
      narrow[i] = (float) weight[i];
    }
    float[] sum = sums.atLeast(width);
    Arrays.fill(sum, 0, width, 0f);
    for (int i = 0; i < n; i++) {
      float[] u = read(first, x, batch, token + i, head);
      float[] d = read(second, dy, batch, token + i, head);
      if (centered) {
        shift(u, width);
      }
      double squares = kernels.sumOfSquares(u, width);
      float r = (float) (factor / Math.sqrt(squares * factor * factor / width + eps));
      if (dWeight.length > 0) {
        addProducts(d, u, r, sum, width);
      }
      if (weight.length > 0) {
        kernels.multiply(d, narrow, width);
      }
      float along = (float) ((double) r * r * kernels.dot(d, u, width) / width);
      for (int j = 0; j < width; j++) {
        d[j] = r * (d[j] - u[j] * along);
      }
      if (centered) {
        shift(d, width);
      }
      if (add) {
        kernels.addScaled(read(third, dx, batch, token + i, head), width, 1f, d);
      }
      dx.write(batch, token + i, head, d);
    }
    for (int j = 0; dWeight.length > 0 && j < width; j++) {
      dWeight[at + j] += sum[j];
    }
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
    int width = x.width();
    int size = width / groups;
    float[] narrow = narrow(weight, width, size);
    for (int i = 0; i < n; i++) {
      float[] u = read(first, x, 0, token + i, 0);
      float[] value = values(f, read(second, gate, 0, token + i, 0), width);
      kernels.multiply(u, scales(u, groups, size, factors, i, eps), width);
      if (weight.length > 0) {
        kernels.multiply(u, narrow, width);
      }
      kernels.multiply(u, value, width);
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
      double[] allSums,
      long token,
      int n) {
    int width = x.width();
    int size = width / groups;
    float[] narrow = narrow(weight, width, size);
    float[] sum = sums.atLeast(width);
    float[] normed = normedRow.atLeast(width);
    float[] again = againRow.atLeast(width);
    Arrays.fill(sum, 0, width, 0f);
    for (int i = 0; i < n; i++) {
      float[] u = read(first, x, 0, token + i, 0);
      float[] g = read(second, gate, 0, token + i, 0);
      float[] d = read(third, dy, 0, token + i, 0);
      evaluate(f, g, width);
      float[] scale = scales(u, groups, size, factors, i, eps);
      System.arraycopy(u, 0, normed, 0, width);
      kernels.multiply(normed, scale, width);
      // f(gate) ⊙ weight ⊙ normed, and dy ⊙ f'(gate) ⊙ weight ⊙ normed
      System.arraycopy(normed, 0, g, 0, width);
      if (weight.length > 0) {
        kernels.multiply(g, narrow, width);
      }
      System.arraycopy(g, 0, again, 0, width);
      kernels.multiply(again, values.atLeast(width), width);
      y.write(0, token + i, 0, again);
      kernels.multiply(g, slopes.atLeast(width), width);
      kernels.multiply(g, d, width);
      // dy ⊙ f(gate), of which the weight has its gradient, and then that of normed
      kernels.multiply(d, values.atLeast(width), width);
      kernels.multiply(normed, d, width);
      kernels.addScaled(normed, width, 1f, sum);
      if (weight.length > 0) {
        kernels.multiply(d, narrow, width);
      }
      kernels.multiply(u, along(u, d, scale, groups, size), width);
      kernels.addScaled(u, width, -1f, d);
      kernels.multiply(d, scale, width);
      dGate.write(0, token + i, 0, g);
      dx.write(0, token + i, 0, d);
    }
    for (int j = 0; j < width && allSums.length > 0; j++) {
      allSums[weight.length == size ? j % size : j] += sum[j];
    }
  }

  /** Returns r²·⟨d, u⟩/S of each group, for each of its S channels. */
  private float[] along(float[] u, float[] d, float[] r, int groups, int size) {
    float[] along = againRow.atLeast(groups * size);
    float[] ownU = groupValues.atLeast(size);
    float[] ownD = groupGradient.atLeast(size);
    for (int from = 0; from < groups * size; from += size) {
      System.arraycopy(u, from, ownU, 0, size);
      System.arraycopy(d, from, ownD, 0, size);
      double dot = kernels.dot(ownD, ownU, size);
      Arrays.fill(along, from, from + size, (float) ((double) r[from] * r[from] * dot / size));
    }
    return along;
  }

  /** Returns factor / √(mean(u²) + eps) of each group, for each of its channels. */
  private float[] scales(float[] x, int groups, int size, double[] factors, int row, double eps) {
    float[] scales = groupScales.atLeast(groups * size);
    float[] own = groupValues.atLeast(size);
    for (int group = 0; group < groups; group++) {
      double factor = factors.length == 0 ? 1 : factors[row * groups + group];
      System.arraycopy(x, group * size, own, 0, size);
      double squares = kernels.sumOfSquares(own, size);
      squares = squares < LARGEST_SUM ? squares : sumOfSquares(own, size);
      float scale = (float) (factor / Math.sqrt(squares * factor * factor / size + eps));
      Arrays.fill(scales, group * size, (group + 1) * size, scale);
    }
    return scales;
  }

  /** Returns the weights of a whole row. */
  private float[] narrow(double[] weight, int width, int size) {
    float[] narrow = weights.atLeast(width);
    for (int j = 0; j < width; j++) {
      narrow[j] = weight.length == 0 ? 1 : (float) weight[weight.length == size ? j % size : j];
    }
    return narrow;
  }

  private static double sumOfSquares(float[] x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (double) x[i] * x[i];
    }
    return sum;
  }

  private static void addProducts(float[] d, float[] u, float r, float[] sum, int n) {
    for (int j = 0; j < n; j++) {
      sum[j] += d[j] * u[j] * r;
    }
  }

  /** x ← x less its mean. */
  private static void shift(float[] x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[i];
    }
    double mean = sum / n;
    for (int i = 0; i < n; i++) {
      x[i] = (float) (x[i] - mean);
    }
  }

  @Override
  public void addTo(RowView x, double[] sums, int at, int batch, long token, int head) {
    float[] r = read(first, x, batch, token, head);
    for (int i = 0; i < x.width(); i++) {
      sums[at + i] += r[i];
    }
  }

  @Override
  public double crossEntropy(RowView x, int target, double scale, int batch, long token, int head) {
    int n = x.width();
    float[] r = read(first, x, batch, token, head);
    float max = kernels.max(r, n);
    double own = (double) r[target] - max;
    kernels.expAndSum(r, max, n);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += r[i];
    }
    kernels.scale(r, n, (float) (scale / sum));
    r[target] -= (float) scale;
    x.write(batch, token, head, r);
    return Math.log(sum) - own;
  }

  @Override
  public void softmaxBack(Tile p, Tile dp, int n) {
    int width = p.columns();
    float[] a = first.atLeast(width);
    float[] b = second.atLeast(width);
    for (int i = 0; i < n; i++) {
      ((Fp32Tile) p).read(i, a, width);
      ((Fp32Tile) dp).read(i, b, width);
      float dot = kernels.dot(a, b, width);
      for (int j = 0; j < width; j++) {
        b[j] = a[j] * (b[j] - dot);
      }
      ((Fp32Tile) dp).write(i, b, width);
    }
  }
}
