package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/** Tiles in native memory: products by oneDNN, the rest row by row on the heap. */
final class Fp32Tiles implements TileOps {
  /**
   * Decay factors below this count as 0 beside the rounding of fp32: what they would give are
   * subnormal numbers, which slow a product down tenfold.
   */
  private static final double NEGLIGIBLE = 0x1p-120;

  private final Arena arena;
  private final Kernels kernels;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats factorRow = new GrowableFloats();
  private final GrowableFloats coefficients = new GrowableFloats();

  Fp32Tiles(Arena arena, Kernels kernels) {
    this.arena = arena;
    this.kernels = kernels;
  }

  private static float factor(double decay) {
    return Math.abs(decay) < NEGLIGIBLE ? 0f : (float) decay;
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
  }

  @Override
  public Tile tile(int rows, int columns) {
    return Fp32Tile.allocate(arena, rows, columns);
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return product(arena, a, transposeA, b, transposeB, c, accumulate);
  }

  static Product product(
      Arena owner,
      Tile a,
      boolean transposeA,
      Tile b,
      boolean transposeB,
      Tile c,
      boolean accumulate) {
    return OneDnn.product(
        owner,
        OneDnn.Matrix.of((Fp32Tile) a, transposeA),
        OneDnn.Matrix.of((Fp32Tile) b, transposeB),
        OneDnn.Matrix.of((Fp32Tile) c, false),
        accumulate);
  }

  @Override
  public boolean load(RowView src, int batch, long token, int head, int n, Tile dst) {
    return loadRows(src, batch, token, head, n, null, dst);
  }

  @Override
  public boolean load(
      RowView src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    return loadRows(src, batch, token, head, n, factors, dst);
  }

  /** Factors are null for none. */
  private boolean loadRows(
      RowView src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    Fp32Tile tile = (Fp32Tile) dst;
    int width = tile.columns();
    float[] x = row(width);
    // 0·x is 0 unless x is not finite: one sum over the rows is faster than one along each.
    float[] zeros = second(width);
    Arrays.fill(zeros, 0, width, 0f);
    for (int i = 0; i < n; i++) {
      src.read(batch, token + i, head, x);
      kernels.addScaled(x, width, 0f, zeros);
      if (factors != null) {
        kernels.scale(x, width, factor(factors[i]));
      }
      tile.write(i, x, width);
    }
    boolean finite = kernels.allFinite(zeros, width);
    zeroRows(tile, n);
    return finite;
  }

  private void zeroRows(Fp32Tile tile, int from) {
    if (from < tile.rows()) {
      float[] x = row(tile.columns());
      Arrays.fill(x, 0, tile.columns(), 0f);
      for (int i = from; i < tile.rows(); i++) {
        tile.write(i, x, tile.columns());
      }
    }
  }

  @Override
  public void store(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp32Tile tile = (Fp32Tile) src;
    int width = tile.columns();
    float[] x = row(width);
    for (int i = 0; i < n; i++) {
      tile.read(i, x, width);
      kernels.scale(x, width, (float) scale);
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void addTo(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp32Tile tile = (Fp32Tile) src;
    int width = tile.columns();
    float[] x = row(width);
    float[] sum = second(width);
    for (int i = 0; i < n; i++) {
      tile.read(i, x, width);
      out.read(batch, token + i, head, sum);
      kernels.addScaled(x, width, (float) scale, sum);
      out.write(batch, token + i, head, sum);
    }
  }

  @Override
  public void addRowDots(Tile a, Tile b, int n, double factor, double[] sums, int at) {
    int width = a.columns();
    float[] x = row(width);
    float[] y = second(width);
    for (int i = 0; i < n; i++) {
      ((Fp32Tile) a).read(i, x, width);
      ((Fp32Tile) b).read(i, y, width);
      sums[at + i] += factor * kernels.dot(x, y, width);
    }
  }

  @Override
  public void scaleRows(Tile src, int n, double[] factors, Tile dst) {
    Fp32Tile from = (Fp32Tile) src;
    Fp32Tile to = (Fp32Tile) dst;
    int width = from.columns();
    float[] x = row(width);
    for (int i = 0; i < n; i++) {
      from.read(i, x, width);
      kernels.scale(x, width, factor(factors[i]));
      to.write(i, x, width);
    }
    zeroRows(to, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform) {
    decayRows((Fp32Tile) a, n, logDecay, uniform, null);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform, int[] starts) {
    decayRows((Fp32Tile) a, n, logDecay, uniform, starts);
  }

  /** Starts are null where all are 0. */
  private void decayRows(Fp32Tile tile, int n, double[] logDecay, boolean uniform, int[] starts) {
    int width = tile.columns();
    float[] x = row(width);
    float[] factors = factorRow.atLeast(width);
    float[] byDistance = second(width);
    if (uniform) {
      for (int d = 0; d < n; d++) {
        byDistance[n - 1 - d] = factor(Math.exp(d * logDecay[0]));
      }
    }
    for (int i = 0; i < n; i++) {
      int start = starts == null ? 0 : starts[i];
      tile.read(i, x, width);
      if (uniform) {
        System.arraycopy(byDistance, n - 1 - i, factors, 0, i + 1);
      } else {
        double sum = 0;
        for (int j = i; j >= start; j--) {
          factors[j] = factor(Math.exp(sum));
          sum += logDecay[j];
        }
      }
      Arrays.fill(x, 0, start, 0f);
      kernels.multiply(x, factors, i + 1);
      Arrays.fill(x, i + 1, width, 0f);
      tile.write(i, x, width);
    }
    zeroRows(tile, n);
  }

  @Override
  public boolean allFinite(Tile a) {
    Fp32Tile tile = (Fp32Tile) a;
    float[] x = row(tile.columns());
    boolean finite = true;
    for (int i = 0; i < tile.rows(); i++) {
      tile.read(i, x, tile.columns());
      finite &= kernels.allFinite(x, tile.columns());
    }
    return finite;
  }

  @Override
  public void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c) {
    Fp32Tile left = (Fp32Tile) a;
    Fp32Tile right = (Fp32Tile) b;
    Fp32Tile sum = (Fp32Tile) c;
    float[] x = row(right.columns());
    float[] y = second(right.columns());
    float[] factors = coefficients.atLeast(left.columns());
    for (int i = 0; i < n; i++) {
      int end = Math.min(i + diagonal + 1, right.rows());
      left.read(i, factors, Math.max(0, end));
      sum.read(i, y, right.columns());
      for (int j = Math.max(0, i + diagonal + 1 - width); j < end; j++) {
        right.read(j, x, right.columns());
        kernels.addScaled(x, right.columns(), factors[j], y);
      }
      sum.write(i, y, right.columns());
    }
  }

  @Override
  public void addCausalTranspose(Tile a, Tile b, int n, Tile c) {
    int width = b.columns();
    float[] x = row(width);
    float[] y = second(width);
    float[] factors = coefficients.atLeast(n);
    for (int j = 0; j < n; j++) {
      ((Fp32Tile) c).read(j, y, width);
      for (int i = j; i < n; i++) {
        ((Fp32Tile) a).read(i, factors, j + 1);
        ((Fp32Tile) b).read(i, x, width);
        kernels.addScaled(x, width, factors[j], y);
      }
      ((Fp32Tile) c).write(j, y, width);
    }
  }

  @Override
  public void copy(Tile src, Tile dst) {
    ((Fp32Tile) dst).copyFrom((Fp32Tile) src);
  }

  @Override
  public void clear(Tile a) {
    zeroRows((Fp32Tile) a, 0);
  }

  @Override
  public Product softmax(Tile a) {
    return OneDnn.softmax(arena, OneDnn.Matrix.of((Fp32Tile) a, false));
  }

  @Override
  public void fill(Tile a, int rowIndex, int from, int to, double value) {
    float[] x = row(to - from);
    Arrays.fill(x, 0, to - from, (float) value);
    ((Fp32Tile) a).write(rowIndex, from, x, to - from);
  }
}
