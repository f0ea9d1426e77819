package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.GradientOps;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/**
 * The way back on rows copied to the heap, so many at once that the first cache holds them; sums
 * over a row in double.
 */
final class Fp32Gradients implements GradientOps {
  /** Beyond it squares are summed in double. */
  private static final float LARGEST_SUM = 1e30f;

  private final Kernels kernels;
  private final RowKernels rows;
  private final Activations activations;
  private final CrossEntropy crossEntropy;
  private final RowWriter writer;
  private final GrowableFloats first = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats third = new GrowableFloats();
  private final GrowableFloats weights = new GrowableFloats();
  private final GrowableFloats sums = new GrowableFloats();
  private final GrowableFloats groupScales = new GrowableFloats();
  private final GrowableFloats groupDots = new GrowableFloats();

  Fp32Gradients(Kernels kernels) {
    this.kernels = kernels;
    rows = kernels.rows();
    activations = new Activations(kernels);
    crossEntropy = new CrossEntropy(kernels);
    writer = new RowWriter(kernels);
  }

  private static float[] read(
      GrowableFloats to, RowView x, int batch, long token, int head, int n) {
    float[] r = to.atLeast(n * x.width());
    x.read(batch, token, head, n, r);
    return r;
  }

  @Override
  public void activate(
      RowView x, Activation f, RowView out, int batch, long token, int n, int head) {
    int most = RowKernels.atOnce(x.width());
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] r = read(first, x, batch, token + i, head, count);
      writer.write(out, batch, token + i, head, count, activations.values(f, r, count * x.width()));
    }
  }

  @Override
  public void activateBack(
      RowView x, Activation f, RowView dy, int batch, long token, int n, int head) {
    int most = RowKernels.atOnce(x.width());
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] r = read(first, x, batch, token + i, head, count);
      float[] d = read(second, dy, batch, token + i, head, count);
      activations.evaluate(f, r, count * x.width());
      kernels.multiply(d, activations.slopes(count * x.width()), count * x.width());
      writer.write(dy, batch, token + i, head, count, d);
    }
  }

  @Override
  public void gate(
      RowView gate, Activation f, RowView x, RowView out, int batch, long token, int n, int head) {
    int most = RowKernels.atOnce(x.width());
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] g = read(first, gate, batch, token + i, head, count);
      float[] r = read(second, x, batch, token + i, head, count);
      kernels.multiply(r, activations.values(f, g, count * x.width()), count * x.width());
      writer.write(out, batch, token + i, head, count, r);
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
    int most = RowKernels.atOnce(x.width());
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      int all = count * x.width();
      float[] g = read(first, gate, batch, token + i, head, count);
      float[] r = read(second, x, batch, token + i, head, count);
      float[] d = read(third, dy, batch, token + i, head, count);
      activations.evaluate(f, g, all);
      gateBack(r, g, activations.values(all), activations.slopes(all), d, all);
      writer.write(y, batch, token + i, head, count, g);
      writer.write(dGate, batch, token + i, head, count, r);
      writer.write(dx, batch, token + i, head, count, d);
    }
  }

  /** y ← x ⊙ value, x ← d ⊙ x ⊙ slope, d ← d ⊙ value. */
  private static void gateBack(
      float[] x, float[] y, float[] value, float[] slope, float[] d, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = x[i] * value[i];
      x[i] = x[i] * d[i] * slope[i];
      d[i] = d[i] * value[i];
    }
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
    float[] narrow = narrow(weight, width, width);
    float[] sum = sums.atLeast(width);
    Arrays.fill(sum, 0, width, 0f);
    int most = RowKernels.atOnce(width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] u = read(first, x, batch, token + i, head, count);
      float[] d = read(second, dy, batch, token + i, head, count);
      if (centered) {
        shift(u, count, width);
      }
      float[] r = squares(u, count, width);
      for (int row = 0; row < count; row++) {
        r[row] = scale(r[row], u, row, width, factor, eps);
      }
      kernels.scaleRows(u, count, width, r);
      normBack(u, d, count, 1, width, weight.length > 0 ? narrow : null, dWeight.length > 0);
      if (centered) {
        shift(d, count, width);
      }
      if (add) {
        float[] old = read(third, dx, batch, token + i, head, count);
        kernels.addScaled(old, count * width, 1f, d);
      }
      writer.write(dx, batch, token + i, head, count, d);
    }
    for (int j = 0; dWeight.length > 0 && j < width; j++) {
      dWeight[at + j] += sum[j];
    }
  }

  /**
   * d, the gradient of weight ⊙ u, becomes that of what u is the norm of; what the weight gets of
   * it is added to {@link #sums}. The scales are those in {@link #groupScales}.
   *
   * @param u normed (n,G·S)
   * @param weight (G·S), or null for none
   */
  private void normBack(
      float[] u, float[] d, int n, int groups, int size, float[] weight, boolean sum) {
    int width = groups * size;
    if (sum) {
      rows.addProducts(d, u, n, width, sums.atLeast(width));
    }
    if (weight != null) {
      rows.multiply(d, n, width, weight);
    }
    float[] along = groupDots.atLeast(n * groups);
    rows.dots(d, u, n * groups, size, along);
    for (int i = 0; i < n * groups; i++) {
      along[i] = -along[i] / size;
    }
    rows.addScaled(u, n * groups, size, along, d);
    kernels.scaleRows(d, n * groups, size, groupScales.atLeast(n * groups));
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
    int most = RowKernels.atOnce(width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] u = read(first, x, 0, token + i, 0, count);
      float[] g = read(second, gate, 0, token + i, 0, count);
      norm(u, count * groups, size, factors, i * groups, eps);
      if (weight.length > 0) {
        rows.multiply(u, count, width, narrow);
      }
      kernels.multiply(u, activations.values(f, g, count * width), count * width);
      writer.write(out, 0, token + i, 0, count, u);
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
    float[] narrow = weight.length > 0 ? narrow(weight, width, size) : null;
    float[] sum = sums.atLeast(width);
    Arrays.fill(sum, 0, width, 0f);
    int most = RowKernels.atOnce(width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      int all = count * width;
      float[] u = read(first, x, 0, token + i, 0, count);
      float[] g = read(second, gate, 0, token + i, 0, count);
      float[] d = read(third, dy, 0, token + i, 0, count);
      activations.evaluate(f, g, all);
      norm(u, count * groups, size, factors, i * groups, eps);
      System.arraycopy(u, 0, g, 0, all);
      if (narrow != null) {
        rows.multiply(g, count, width, narrow);
      }
      float[] value = activations.values(all);
      float[] slope = activations.slopes(all);
      gatedBack(g, value, slope, d, all);
      writer.write(y, 0, token + i, 0, count, g);
      writer.write(dGate, 0, token + i, 0, count, slope);
      normBack(u, d, count, groups, size, narrow, allSums.length > 0);
      writer.write(dx, 0, token + i, 0, count, d);
    }
    for (int j = 0; j < width && allSums.length > 0; j++) {
      allSums[weight.length == size ? j % size : j] += sum[j];
    }
  }

  /** (x, slope, d) ← (x ⊙ value, d ⊙ slope ⊙ x, d ⊙ value). */
  private static void gatedBack(float[] x, float[] value, float[] slope, float[] d, int n) {
    for (int i = 0; i < n; i++) {
      slope[i] = slope[i] * d[i] * x[i];
      x[i] = x[i] * value[i];
      d[i] = d[i] * value[i];
    }
  }

  /**
   * Norms groups of S channels; leaves factor / √(mean(u²) + eps) of each in {@link #groupScales}.
   *
   * @param at where the first group's factor stands, where there are any
   */
  private void norm(float[] u, int groups, int size, double[] factors, int at, double eps) {
    float[] r = squares(u, groups, size);
    for (int group = 0; group < groups; group++) {
      double factor = factors.length == 0 ? 1 : factors[at + group];
      r[group] = scale(r[group], u, group, size, factor, eps);
    }
    kernels.scaleRows(u, groups, size, r);
  }

  private float[] squares(float[] u, int groups, int size) {
    float[] squares = groupScales.atLeast(groups);
    rows.dots(u, u, groups, size, squares);
    return squares;
  }

  private static float scale(
      double squares, float[] u, int group, int size, double factor, double eps) {
    double sum = squares < LARGEST_SUM ? squares : sumOfSquares(u, group * size, size);
    return (float) (factor / Math.sqrt(sum * factor * factor / size + eps));
  }

  /** Returns the weights of a whole row. */
  private float[] narrow(double[] weight, int width, int size) {
    float[] narrow = weights.atLeast(width);
    for (int j = 0; j < width; j++) {
      narrow[j] = weight.length == 0 ? 1 : (float) weight[weight.length == size ? j % size : j];
    }
    return narrow;
  }

  private static double sumOfSquares(float[] x, int from, int n) {
    double sum = 0;
    for (int i = from; i < from + n; i++) {
      sum += (double) x[i] * x[i];
    }
    return sum;
  }

  /** x ← x less its mean, for n rows. */
  private static void shift(float[] x, int n, int width) {
    for (int from = 0; from < n * width; from += width) {
      double sum = 0;
      for (int i = from; i < from + width; i++) {
        sum += x[i];
      }
      double mean = sum / width;
      for (int i = from; i < from + width; i++) {
        x[i] = (float) (x[i] - mean);
      }
    }
  }

  @Override
  public void addTo(RowView x, double[] sums, int at, int batch, long token, int head) {
    float[] r = read(first, x, batch, token, head, 1);
    for (int i = 0; i < x.width(); i++) {
      sums[at + i] += r[i];
    }
  }

  @Override
  public double crossEntropy(RowView x, int target, double scale, int batch, long token, int head) {
    float[] r = read(first, x, batch, token, head, 1);
    double loss = crossEntropy.run(r, x.width(), target, scale);
    x.write(batch, token, head, r);
    return loss;
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
