package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.HeapTile;

/**
 * The same on tiles on the heap, in place where {@link Fp32Tiles} copies rows: what is faster for
 * small tiles, whose products are done before oneDNN would have begun.
 */
final class HeapTiles extends Fp32Tiles {
  private final TileKernels own;

  HeapTiles(Arena arena, Kernels kernels) {
    super(arena, kernels);
    own = kernels.ofTiles();
  }

  /** These are faster than products of bf16 with their calls and roundings, and nothing is lost. */
  @Override
  public TileOps bfloat16() {
    return this;
  }

  @Override
  public Tile tile(int rows, int columns) {
    return HeapTile.allocate(arena, rows, columns);
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    int inner = transposeA ? a.rows() : a.columns();
    if (inner != (transposeB ? b.columns() : b.rows())
        || c.rows() != (transposeA ? a.columns() : a.rows())
        || c.columns() != (transposeB ? b.rows() : b.columns())) {
      throw new IllegalArgumentException(
          "shapes do not join: "
              + shape(a, transposeA)
              + " x "
              + shape(b, transposeB)
              + " -> "
              + shape(c, false));
    }
    return new HeapProduct(
        own, (HeapTile) a, transposeA, (HeapTile) b, transposeB, (HeapTile) c, accumulate);
  }

  private static String shape(Tile tile, boolean transpose) {
    return tile.rows() + " x " + tile.columns() + (transpose ? " transposed" : "");
  }

  private record HeapProduct(
      TileKernels kernels,
      HeapTile a,
      boolean transposeA,
      HeapTile b,
      boolean transposeB,
      HeapTile c,
      boolean accumulate)
      implements Product {
    @Override
    public void run() {
      kernels.product(a, transposeA, b, transposeB, c, accumulate);
    }

    @Override
    public String implementation() {
      return kernels.name();
    }
  }

  @Override
  boolean loadRows(
      RowView src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    HeapTile tile = (HeapTile) dst;
    src.read(batch, token, head, n, tile.data(), tile.start(), tile.stride());
    boolean finite = own.allFinite(tile, n);
    if (factors != null) {
      own.scaleRows(tile, n, narrow(factors, 0, n), tile);
    }
    zeroRows(tile, n);
    return finite;
  }

  @Override
  void zeroRows(Fp32Tile tile, int from) {
    HeapTile to = (HeapTile) tile;
    if (to.dense()) {
      int width = to.columns();
      Arrays.fill(to.data(), to.start() + from * width, to.start() + to.rows() * width, 0f);
      return;
    }
    for (int i = from; i < to.rows(); i++) {
      zero(to, i, 0);
    }
  }

  private static void zero(HeapTile tile, int row, int from) {
    int at = tile.start() + row * tile.stride();
    Arrays.fill(tile.data(), at + from, at + tile.columns(), 0f);
  }

  @Override
  public void addTo(Tile src, int n, double scale, RowView out, int batch, long token, int head) {
    float[] sum = row(n * src.columns());
    out.read(batch, token, head, n, sum);
    own.addScaled((HeapTile) src, n, (float) scale, sum);
    out.write(batch, token, head, n, sum);
  }

  @Override
  public void scaleRows(Tile src, int n, double[] factors, Tile dst) {
    own.scaleRows((HeapTile) src, n, narrow(factors, 0, n), (HeapTile) dst);
    zeroRows((HeapTile) dst, n);
  }

  @Override
  void decayUniformly(Fp32Tile a, int n, double logDecay) {
    HeapTile tile = (HeapTile) a;
    float[] byDistance = byDistance(logDecay, n);
    for (int i = 0; i < n; i++) {
      own.multiply(tile, i, byDistance, byDistance.length - 1 - i, i + 1);
      zero(tile, i, i + 1);
    }
    zeroRows(tile, n);
  }
}
