package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.memory.Arena;

/** Tiles on the heap, in plain loops. */
final class Fp64Tiles implements TileOps {
  private final Arena arena;
  private double[] row = new double[64];

  Fp64Tiles(Arena arena) {
    this.arena = arena;
  }

  private double[] row(int n) {
    if (row.length < n) {
      row = new double[n];
    }
    return row;
  }

  @Override
  public Tile tile(int rows, int columns) {
    return Fp64Tile.allocate(arena, rows, columns);
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return new Fp64Product(
        (Fp64Tile) a, transposeA, (Fp64Tile) b, transposeB, (Fp64Tile) c, accumulate);
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
    Fp64Tile tile = (Fp64Tile) dst;
    int width = tile.columns();
    double[] x = row(width);
    boolean finite = true;
    for (int i = 0; i < n; i++) {
      src.read(batch, token + i, head, x);
      double factor = factors == null ? 1 : factors[i];
      double[] to = tile.row(i);
      for (int j = 0; j < width; j++) {
        finite &= Double.isFinite(x[j]);
        to[tile.column() + j] = factor * x[j];
      }
    }
    zeroRows(tile, n);
    return finite;
  }

  private static void zeroRows(Fp64Tile tile, int from) {
    for (int i = from; i < tile.rows(); i++) {
      Arrays.fill(tile.row(i), tile.column(), tile.column() + tile.columns(), 0);
    }
  }

  @Override
  public void store(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp64Tile tile = (Fp64Tile) src;
    double[] x = row(tile.columns());
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < tile.columns(); j++) {
        x[j] = scale * tile.row(i)[tile.column() + j];
      }
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void addTo(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    Fp64Tile tile = (Fp64Tile) src;
    double[] x = row(tile.columns());
    for (int i = 0; i < n; i++) {
      out.read(batch, token + i, head, x);
      for (int j = 0; j < tile.columns(); j++) {
        x[j] += scale * tile.row(i)[tile.column() + j];
      }
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void addRowDots(Tile a, Tile b, int n, double factor, double[] sums, int at) {
    Fp64Tile left = (Fp64Tile) a;
    Fp64Tile right = (Fp64Tile) b;
    for (int i = 0; i < n; i++) {
      double dot = 0;
      for (int j = 0; j < left.columns(); j++) {
        dot += left.row(i)[left.column() + j] * right.row(i)[right.column() + j];
      }
      sums[at + i] += factor * dot;
    }
  }

  @Override
  public void scaleRows(Tile src, int n, double[] factors, Tile dst) {
    Fp64Tile from = (Fp64Tile) src;
    Fp64Tile to = (Fp64Tile) dst;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < from.columns(); j++) {
        to.row(i)[to.column() + j] = factors[i] * from.row(i)[from.column() + j];
      }
    }
    zeroRows(to, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform) {
    Fp64Tile tile = (Fp64Tile) a;
    for (int i = 0; i < n; i++) {
      decayRow(tile, i, 0, logDecay, uniform);
    }
    zeroRows(tile, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform, int[] starts) {
    Fp64Tile tile = (Fp64Tile) a;
    for (int i = 0; i < n; i++) {
      decayRow(tile, i, starts[i], logDecay, uniform);
    }
    zeroRows(tile, n);
  }

  private static void decayRow(
      Fp64Tile tile, int i, int start, double[] logDecay, boolean uniform) {
    int c = tile.column();
    double[] x = tile.row(i);
    double sum = 0;
    for (int j = i - 1; j >= start; j--) {
      sum = uniform ? (i - j) * logDecay[0] : sum + logDecay[j + 1];
      x[c + j] *= Math.exp(sum);
    }
    Arrays.fill(x, c, c + start, 0);
    Arrays.fill(x, c + i + 1, c + tile.columns(), 0);
  }

  @Override
  public boolean allFinite(Tile a) {
    Fp64Tile tile = (Fp64Tile) a;
    boolean finite = true;
    for (int i = 0; i < tile.rows(); i++) {
      for (int j = 0; j < tile.columns(); j++) {
        finite &= Double.isFinite(tile.row(i)[tile.column() + j]);
      }
    }
    return finite;
  }

  @Override
  public void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c) {
    Fp64Tile left = (Fp64Tile) a;
    Fp64Tile right = (Fp64Tile) b;
    Fp64Tile sum = (Fp64Tile) c;
    for (int i = 0; i < n; i++) {
      int end = Math.min(i + diagonal + 1, right.rows());
      for (int j = Math.max(0, i + diagonal + 1 - width); j < end; j++) {
        double factor = left.row(i)[left.column() + j];
        for (int v = 0; v < right.columns(); v++) {
          sum.row(i)[sum.column() + v] += factor * right.row(j)[right.column() + v];
        }
      }
    }
  }

  @Override
  public void addCausalTranspose(Tile a, Tile b, int n, Tile c) {
    Fp64Tile left = (Fp64Tile) a;
    Fp64Tile right = (Fp64Tile) b;
    Fp64Tile sum = (Fp64Tile) c;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double factor = left.row(i)[left.column() + j];
        for (int v = 0; v < right.columns(); v++) {
          sum.row(j)[sum.column() + v] += factor * right.row(i)[right.column() + v];
        }
      }
    }
  }

  @Override
  public void copy(Tile src, Tile dst) {
    Fp64Tile from = (Fp64Tile) src;
    Fp64Tile to = (Fp64Tile) dst;
    for (int i = 0; i < from.rows(); i++) {
      System.arraycopy(from.row(i), from.column(), to.row(i), to.column(), from.columns());
    }
  }

  @Override
  public void clear(Tile a) {
    zeroRows((Fp64Tile) a, 0);
  }

  @Override
  public Product softmax(Tile a) {
    Fp64Tile tile = (Fp64Tile) a;
    return new Product() {
      @Override
      public void run() {
        for (int i = 0; i < tile.rows(); i++) {
          softmax(tile.row(i), tile.column(), tile.columns());
        }
      }

      @Override
      public String implementation() {
        return "java:float64";
      }
    };
  }

  static void softmax(double[] x, int from, int n) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = from; j < from + n; j++) {
      max = Math.max(max, x[j]);
    }
    double sum = 0;
    for (int j = from; j < from + n; j++) {
      x[j] = Math.exp(x[j] - max);
      sum += x[j];
    }
    for (int j = from; j < from + n; j++) {
      x[j] /= sum;
    }
  }

  @Override
  public void fill(Tile a, int row, int from, int to, double value) {
    Fp64Tile tile = (Fp64Tile) a;
    Arrays.fill(tile.row(row), tile.column() + from, tile.column() + to, value);
  }
}
