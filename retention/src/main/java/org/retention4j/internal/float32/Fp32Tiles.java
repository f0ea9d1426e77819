package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.linear.onednn.OneDnnCapabilities;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/** Tiles in native memory: products by oneDNN, the rest row by row on the heap. */
class Fp32Tiles implements TileOps {
  /**
   * Decay factors below this count as 0 beside the rounding of fp32: what they would give are
   * subnormal numbers, which slow a product down tenfold.
   */
  private static final double NEGLIGIBLE = 0x1p-120;

  /** Floats that are copied at once. */
  private static final int AT_ONCE = 1 << 12;

  final Arena arena;
  final Kernels kernels;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats factorRow = new GrowableFloats();
  private final GrowableFloats coefficients = new GrowableFloats();
  private float[] distanceFactors = {};
  private double distanceDecay = Double.NaN;

  /** Made when it is asked for. */
  private TileOps rounded;

  Fp32Tiles(Arena arena, Kernels kernels) {
    this.arena = arena;
    this.kernels = kernels;
  }

  private static float factor(double decay) {
    return Math.abs(decay) < NEGLIGIBLE ? 0f : (float) decay;
  }

  float[] row(int n) {
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
  public TileOps bfloat16() {
    if (rounded == null) {
      rounded = OneDnnCapabilities.bfloat16() ? new Bf16Tiles(arena, kernels) : this;
    }
    return rounded;
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
  boolean loadRows(
      RowView src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    Fp32Tile tile = (Fp32Tile) dst;
    int width = tile.columns();
    int most = rowsAtOnce(width);
    float[] x = row(most * width);
    boolean finite = true;
    for (int from = 0; from < n; from += most) {
      int count = Math.min(most, n - from);
      src.read(batch, token + from, head, count, x);
      finite &= kernels.allFinite(x, count * width);
      if (factors != null) {
        kernels.scaleRows(x, count, width, narrow(factors, from, count));
      }
      tile.writeRows(from, count, x);
    }
    zeroRows(tile, n);
    return finite;
  }

  /** Returns how many rows of a width are copied at once: they then stay in the first cache. */
  private static int rowsAtOnce(int width) {
    return Math.max(1, AT_ONCE / width);
  }

  float[] narrow(double[] factors, int from, int count) {
    float[] narrow = factorRow.atLeast(count);
    for (int i = 0; i < count; i++) {
      narrow[i] = factor(factors[from + i]);
    }
    return narrow;
  }

  void zeroRows(Fp32Tile tile, int from) {
    if (from >= tile.rows()) {
      return;
    }
    int width = tile.columns();
    int most = Math.min(tile.rows() - from, rowsAtOnce(width));
    float[] x = row(most * width);
    Arrays.fill(x, 0, most * width, 0f);
    for (int i = from; i < tile.rows(); i += most) {
      tile.writeRows(i, Math.min(most, tile.rows() - i), x);
    }
  }

  @Override
  public void store(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp32Tile tile = (Fp32Tile) src;
    int width = tile.columns();
    int most = rowsAtOnce(width);
    float[] x = row(most * width);
    for (int from = 0; from < n; from += most) {
      int count = Math.min(most, n - from);
      tile.readRows(from, count, x);
      if (scale != 1) {
        kernels.scale(x, count * width, (float) scale);
      }
      out.write(batch, token + from, head, count, x);
    }
  }

  @Override
  public void addTo(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp32Tile tile = (Fp32Tile) src;
    int width = tile.columns();
    int most = rowsAtOnce(width);
    float[] x = row(most * width);
    float[] sum = second(most * width);
    for (int from = 0; from < n; from += most) {
      int count = Math.min(most, n - from);
      tile.readRows(from, count, x);
      out.read(batch, token + from, head, count, sum);
      kernels.addScaled(x, count * width, (float) scale, sum);
      out.write(batch, token + from, head, count, sum);
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
    int most = rowsAtOnce(width);
    float[] x = row(most * width);
    for (int i = 0; i < n; i += most) {
      int count = Math.min(most, n - i);
      from.readRows(i, count, x);
      kernels.scaleRows(x, count, width, narrow(factors, i, count));
      to.writeRows(i, count, x);
    }
    zeroRows(to, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform) {
    if (uniform) {
      decayUniformly((Fp32Tile) a, n, logDecay[0]);
    } else {
      decayRows((Fp32Tile) a, n, logDecay, false, null);
    }
  }

  void decayUniformly(Fp32Tile tile, int n, double logDecay) {
    int width = tile.columns();
    float[] byDistance = byDistance(logDecay, n);
    int most = rowsAtOnce(width);
    float[] x = row(most * width);
    for (int from = 0; from < n; from += most) {
      int count = Math.min(most, n - from);
      tile.readRows(from, count, x);
      for (int i = 0; i < count; i++) {
        int own = from + i; // its distance to itself is the last factor
        kernels.multiply(x, i * width, byDistance, byDistance.length - 1 - own, own + 1);
        Arrays.fill(x, i * width + own + 1, (i + 1) * width, 0f);
      }
      tile.writeRows(from, count, x);
    }
    zeroRows(tile, n);
  }

  /** Returns e^(d·g) for distances d from the largest down to 0, kept from call to call. */
  float[] byDistance(double logDecay, int n) {
    if (distanceFactors.length < n || distanceDecay != logDecay) {
      int length = Math.max(distanceFactors.length, n);
      if (distanceFactors.length < length) {
        distanceFactors = new float[length];
      }
      for (int d = 0; d < length; d++) {
        distanceFactors[length - 1 - d] = factor(Math.exp(d * logDecay));
      }
      distanceDecay = logDecay;
    }
    return distanceFactors;
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
    float[] byDistance = uniform ? byDistance(logDecay[0], n) : null;
    for (int i = 0; i < n; i++) {
      int start = starts == null ? 0 : starts[i];
      tile.read(i, x, width);
      if (uniform) {
        System.arraycopy(byDistance, byDistance.length - 1 - i, factors, 0, i + 1);
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
    if (src != dst) {
      ((Fp32Tile) dst).copyFrom((Fp32Tile) src);
    }
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
