package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.RowOps;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.RowView;
import org.retention4j.internal.memory.GrowableFloats;

/** Rows copied to the heap, worked on there and copied back. */
final class Fp32Rows implements RowOps {
  /** A sum of squares up to here is not infinite, and its root's inverse is not subnormal. */
  private static final float LARGEST_SUM = 0x1p125f;

  private final Kernels kernels;
  private final RowKernels rows;
  private final RowWriter writer;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats narrowNormWeight = new GrowableFloats();

  /** Whose elements stand in narrowNormWeight. */
  private double[] normWeight;

  Fp32Rows(Kernels kernels) {
    this.kernels = kernels;
    rows = kernels.rows();
    writer = new RowWriter(kernels);
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
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
    int half = x.width() / 2;
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    rotate(r, half, interleaved, angles, (float) factor);
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
    int most = RowKernels.atOnce(x.width());
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] all = row(count * x.width());
      x.read(0, token + i, 0, count, all);
      for (int r = 0; r < count; r++) {
        rotateHeads(
            all,
            r * x.width(),
            heads,
            x.width() / heads,
            channels / 2,
            interleaved,
            angles[i + r],
            (float) factor);
      }
      writer.write(out, 0, token + i, 0, count, all);
    }
  }

  private void rotateHeads(
      float[] x,
      int at,
      int heads,
      int width,
      int half,
      boolean interleaved,
      Angles angles,
      float factor) {
    if (!interleaved) {
      rows.rotateHeads(x, at, heads, width, half, angles.narrowCos(), angles.narrowSin(), factor);
      return;
    }
    for (int from = at; from < at + heads * width; from += width) {
      rotatePairs(x, from, half, angles.narrowCos(), angles.narrowSin(), factor);
    }
  }

  private void rotate(float[] x, int half, boolean interleaved, Angles angles, float factor) {
    if (interleaved) {
      rotatePairs(x, 0, half, angles.narrowCos(), angles.narrowSin(), factor);
    } else {
      kernels.rotateHalves(x, half, angles.narrowCos(), angles.narrowSin(), factor);
    }
  }

  private static void rotatePairs(
      float[] x, int from, int half, float[] cos, float[] sin, float factor) {
    for (int i = 0; i < half; i++) {
      float a = x[from + 2 * i];
      float b = x[from + 2 * i + 1];
      x[from + 2 * i] = (a * cos[i] - b * sin[i]) * factor;
      x[from + 2 * i + 1] = (b * cos[i] + a * sin[i]) * factor;
    }
  }

  @Override
  public void scale(RowView x, int batch, long token, int head, double factor) {
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    kernels.scale(r, x.width(), (float) factor);
    x.write(batch, token, head, r);
  }

  @Override
  public void activate(RowView x, Activation f, int batch, long token, int head) {
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    for (int i = 0; i < x.width(); i++) {
      r[i] = (float) f.at(r[i]);
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void center(RowView x, int batch, long token, int head) {
    int n = x.width();
    float[] r = row(n);
    x.read(batch, token, head, r);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += r[i];
    }
    double mean = sum / n;
    for (int i = 0; i < n; i++) {
      r[i] = (float) (r[i] - mean);
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
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    normalize(r, x.width(), factor, weight, eps);
    out.write(batch, token, head, r);
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
      int n,
      int head) {
    int width = x.width();
    int most = RowKernels.atOnce(width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] r = row(count * width);
      float[] scales = second(count);
      x.read(batch, token + i, head, count, r);
      rows.dots(r, r, count, width, scales);
      for (int k = 0; k < count; k++) {
        if (scales[k] > LARGEST_SUM) {
          normalizeWide(r, k * width, width, factor, eps);
          scales[k] = 1;
        } else {
          double mean = (double) scales[k] * factor * factor / width;
          scales[k] = (float) (factor / Math.sqrt(mean + eps));
        }
      }
      kernels.scaleRows(r, count, width, scales);
      if (weight.length > 0) {
        rows.multiply(r, count, width, narrow(weight, width));
      }
      writer.write(out, batch, token + i, head, count, r);
    }
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
    float[] r = row(n);
    x.read(batch, token, head, r);
    normalize(r, n, factor, weight, eps);
    float[] g = second(n);
    gate.read(batch, token, head, g);
    kernels.multiply(r, g, n);
    out.write(batch, token, head, r);
  }

  private void normalize(float[] x, int n, double factor, double[] weight, double eps) {
    float sum = kernels.sumOfSquares(x, n);
    if (sum > LARGEST_SUM) {
      normalizeWide(x, 0, n, factor, eps);
    } else {
      double mean = (double) sum * factor * factor / n;
      kernels.scale(x, n, (float) (factor / Math.sqrt(mean + eps)));
    }
    if (weight.length > 0) {
      kernels.multiply(x, narrow(weight, n), n);
    }
  }

  /** x ← factor·x / √(mean((factor·x)²) + eps) where squares leave the range of fp32. */
  private static void normalizeWide(float[] x, int from, int n, double factor, double eps) {
    double sum = 0;
    for (int i = from; i < from + n; i++) {
      sum += (double) x[i] * x[i];
    }
    double multiplier = factor / Math.sqrt(sum * factor * factor / n + eps);
    for (int i = from; i < from + n; i++) {
      x[i] = (float) (x[i] * multiplier);
    }
  }

  /** Many norms with the same weights follow each other. */
  private float[] narrow(double[] weight, int n) {
    if (normWeight != weight) {
      float[] to = narrowNormWeight.atLeast(n);
      for (int i = 0; i < n; i++) {
        to[i] = (float) weight[i];
      }
      normWeight = weight;
    }
    return narrowNormWeight.atLeast(n);
  }

  @Override
  public void multiply(RowView a, RowView b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    float[] y = second(n);
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    kernels.multiply(x, y, n);
    a.write(batch, token, head, x);
  }

  @Override
  public void add(RowView a, RowView b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    float[] y = second(n);
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < n; i++) {
      x[i] += y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(RowView a, RowView b, RowView out, int batch, long token, int n, int head) {
    int width = a.width();
    int most = RowKernels.atOnce(width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      float[] x = row(count * width);
      float[] y = second(count * width);
      a.read(batch, token + i, head, count, x);
      b.read(batch, token + i, head, count, y);
      add(x, y, count * width);
      out.write(batch, token + i, head, count, x);
    }
  }

  private static void add(float[] x, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      x[i] += y[i];
    }
  }

  @Override
  public void add(RowView a, double[] b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    a.read(batch, token, head, x);
    for (int i = 0; i < n; i++) {
      x[i] += (float) b[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void embed(RowTable table, int index, double factor, RowView out, int b, long token) {
    float[] x = row(out.width());
    table.read(index, x);
    kernels.scale(x, out.width(), (float) factor);
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
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    out.write(outBatch, outToken, outHead, r);
  }

  @Override
  public void clear(RowView out, int batch, long token, int head, int n) {
    float[] x = row(out.width());
    Arrays.fill(x, 0, out.width(), 0f);
    for (int i = 0; i < n; i++) {
      out.write(batch, token + i, head, x);
    }
  }
}
