package org.retention4j.internal.float32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.HeapTile;
import org.retention4j.internal.vector.VectorKernels;

/** Tiles on the heap and native ones: both kinds against double arithmetic. */
class HeapTilesTest {
  private static final float BEYOND = 123;

  /** Half a unit of the last place. */
  private static final double ROUNDING = 0.5 * Math.ulp(1f);

  private final Arena arena = new Arena();
  private final Fp32Lane lane = new Fp32Lane(0, arena, new VectorKernels());
  private final TileOps heap = lane.tiles(16, 32);
  private final List<TileOps> kinds = List.of(lane.tiles(), heap);
  private final Random random = new Random(3);

  /** The first products of a lane are plain loops, which stand in for the vectors. */
  @BeforeEach
  void multiplyOften() {
    Tile one = heap.tile(1, 1);
    Product product = heap.product(one, false, one, false, heap.tile(1, 1), false);
    for (int i = 0; i < 4096; i++) {
      product.run();
    }
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private Fp32Tile filled(Tile tile) {
    float[] row = new float[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) random.nextGaussian();
      }
      ((Fp32Tile) tile).write(i, row, row.length);
    }
    return (Fp32Tile) tile;
  }

  /** A part of a larger tile, whose rows have gaps. */
  private Fp32Tile part(TileOps tiles, int rows, int columns) {
    Tile whole = filled(tiles.tile(rows + 2, columns + 5));
    return (Fp32Tile) whole.part(1, rows, 3, columns);
  }

  private static double[][] values(Tile tile, boolean transpose) {
    double[][] x = new double[transpose ? tile.columns() : tile.rows()][];
    Arrays.setAll(x, i -> new double[transpose ? tile.rows() : tile.columns()]);
    float[] row = new float[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      ((Fp32Tile) tile).read(i, row, row.length);
      for (int j = 0; j < row.length; j++) {
        x[transpose ? j : i][transpose ? i : j] = row[j];
      }
    }
    return x;
  }

  private static double[][] times(double[][] a, double[][] b, double[][] plus) {
    double[][] c = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b[0].length; j++) {
        c[i][j] = plus == null ? 0 : plus[i][j];
        for (int p = 0; p < b.length; p++) {
          c[i][j] += a[i][p] * b[p][j];
        }
      }
    }
    return c;
  }

  private static void assertClose(Tile actual, double[][] expected, double bound) {
    double[][] values = values(actual, false);
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        if (!(Math.abs(values[i][j] - expected[i][j]) <= bound)) { // AssertJ's own takes minutes
          assertThat(values[i]).as("row %s", i).containsExactly(expected[i], within(bound));
        }
      }
    }
  }

  @Test
  void smallHeadsLieOnTheHeapAndLargeOnesDoNot() {
    assertThat(heap.tile(2, 3)).isInstanceOf(HeapTile.class);
    assertThat(lane.tiles().tile(2, 3)).isNotInstanceOf(HeapTile.class);
    assertThat(lane.tiles(1024, 2048)).isSameAs(lane.tiles());
    Fp32Lane plain = new Fp32Lane(0, arena, new PlainKernels());
    assertThat(plain.tiles(16, 32)).isSameAs(plain.tiles());
  }

  /** Every orientation of every shape, whole tiles and parts, the plain loops to the same bits. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 63, 64, 65})
  void multiplies(int rows) {
    int[] sizes = {1, 7, 24, 64};
    for (TileOps tiles : kinds) {
      for (int inner : sizes) {
        for (int columns : sizes) {
          for (int bits = 0; bits < 16; bits++) {
            multiplies(tiles, rows, inner, columns, bits);
          }
        }
      }
    }
  }

  private void multiplies(TileOps tiles, int rows, int inner, int columns, int bits) {
    boolean transposeA = (bits & 1) > 0;
    boolean transposeB = (bits & 2) > 0;
    boolean add = (bits & 4) > 0;
    boolean parts = (bits & 8) > 0;
    Fp32Tile a = tile(tiles, parts, transposeA ? inner : rows, transposeA ? rows : inner);
    Fp32Tile b = tile(tiles, parts, transposeB ? columns : inner, transposeB ? inner : columns);
    Fp32Tile whole = filled(tiles.tile(rows + 1, columns + 1));
    Fp32Tile c =
        parts ? (Fp32Tile) whole.part(0, rows, 0, columns) : tile(tiles, false, rows, columns);
    double[][] expected = values(whole, false);
    double[][] ab =
        times(values(a, transposeA), values(b, transposeB), add ? values(c, false) : null);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(ab[i], 0, expected[i], 0, columns);
    }
    Fp32Tile plain = c instanceof HeapTile ? (Fp32Tile) tiles.tile(rows, columns) : null;
    if (plain != null) {
      plain.copyFrom(c);
      HeapTile left = (HeapTile) a;
      new PlainProduct().run(left, transposeA, (HeapTile) b, transposeB, (HeapTile) plain, add);
    }
    Product product = tiles.product(a, transposeA, b, transposeB, c, add);
    product.run();
    assertThat(product.implementation()).isNotEmpty().doesNotContain("ref");
    // Each term of partial sums that reach 4·√inner, and what was there.
    double bound = ROUNDING * (inner + 1) * (4 + 4 * Math.sqrt(inner));
    assertClose(c, ab, bound);
    if (parts) {
      assertClose(whole, expected, bound);
    }
    if (plain != null) {
      assertThat(values(plain, false)).isDeepEqualTo(values(c, false));
    }
  }

  private Fp32Tile tile(TileOps tiles, boolean part, int rows, int columns) {
    return part ? part(tiles, rows, columns) : filled(tiles.tile(rows, columns));
  }

  /**
   * What is not finite spreads over its own row or column and no further: sizes that are padded.
   */
  @ParameterizedTest
  @ValueSource(ints = {5, 16, 24, 64})
  void nonFiniteNumbersStayInTheirRowsAndColumns(int n) {
    for (TileOps tiles : kinds) {
      for (boolean transpose : new boolean[] {false, true}) {
        Fp32Tile a = filled(tiles.tile(n, n));
        Fp32Tile b = filled(tiles.tile(n, n));
        a.write(3, 1, new float[] {Float.NaN}, 1);
        b.write(transpose ? 4 : 2, transpose ? 2 : 4, new float[] {Float.POSITIVE_INFINITY}, 1);
        Tile c = tiles.tile(n, n);
        tiles.product(a, false, b, transpose, c, false).run();
        double[][] values = values(c, false);
        for (int i = 0; i < n; i++) {
          for (int j = 0; j < n; j++) {
            assertThat(Double.isFinite(values[i][j])).isEqualTo(i != 3 && j != 4);
          }
        }
      }
    }
  }

  @Test
  void refusesShapesThatDoNotJoin() {
    Tile a = heap.tile(3, 4);
    Tile c = heap.tile(3, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> heap.product(a, false, a, false, c, false))
        .withMessageContaining("3 x 4 x 3 x 4 -> 3 x 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> heap.product(a, true, a, false, c, false));
  }

  private static RowView rows(float[] data, int tokens, int heads, int width) {
    long[] strides = {(long) tokens * heads * width, (long) heads * width, width, 1};
    return RowView.of(() -> {}, new FloatBuffer[] {FloatBuffer.wrap(data)}, strides, width);
  }

  /** Tokens 2… of head 1 of 2, by factors; the rows behind them become zero. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 24, 63, 65})
  void loadsScalesAndStores(int width) {
    int tokens = 12;
    int n = 9;
    float[] data = new float[tokens * 2 * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    double[] factors = random.doubles(n).toArray();
    double[][] expected = new double[n + 2][width];
    double[][] scaled = new double[n + 2][width];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < width; j++) {
        expected[i][j] = data[((i + 2) * 2 + 1) * width + j];
        scaled[i][j] = factors[i] * expected[i][j];
      }
    }
    // A factor and the product are rounded, of numbers up to 5.
    double bound = 3 * ROUNDING * 5;
    for (TileOps tiles : kinds) {
      for (Tile tile : List.of(filled(tiles.tile(n + 2, width)), part(tiles, n + 2, width))) {
        RowView view = rows(data, tokens, 2, width);
        assertThat(tiles.load(view, 0, 2, 1, n, tile)).isTrue();
        assertClose(tile, expected, 0);
        Tile other = filled(tiles.tile(n + 2, width));
        tiles.scaleRows(tile, n, factors, other);
        assertClose(other, scaled, bound);
        assertThat(tiles.load(view, 0, 2, 1, n, factors, tile)).isTrue();
        assertClose(tile, scaled, bound);
        stores(tiles, tile, n, width, scaled);
        for (int at : new int[] {0, width - 1}) {
          float[] bad = data.clone();
          bad[((n + 1) * 2 + 1) * width + at] = Float.NaN;
          assertThat(tiles.load(rows(bad, tokens, 2, width), 0, 2, 1, n, tile)).isFalse();
          assertThat(tiles.load(rows(bad, tokens, 2, width), 0, 2, 1, n - 1, tile)).isTrue();
        }
        tiles.clear(tile);
        assertClose(tile, new double[n + 2][width], 0);
      }
    }
  }

  private static void stores(TileOps tiles, Tile tile, int n, int width, double[][] values) {
    float[] out = new float[(n + 3) * width];
    Arrays.fill(out, BEYOND);
    RowView view = rows(out, n + 3, 1, width);
    tiles.store(tile, n, 0.5, view, 0, 1, 0);
    tiles.addTo(tile, n, 2, view, 0, 1, 0);
    for (int i = 0; i < n + 3; i++) {
      for (int j = 0; j < width; j++) {
        boolean stored = i >= 1 && i <= n;
        assertThat((double) out[i * width + j])
            .isCloseTo(stored ? 2.5 * values[i - 1][j] : BEYOND, within(20 * ROUNDING * 5));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 33, 64})
  void decaysCausally(int n) {
    double[] logDecay = new double[n];
    Arrays.fill(logDecay, -0.3);
    for (TileOps tiles : kinds) {
      for (boolean uniform : new boolean[] {true, false}) {
        Fp32Tile a = part(tiles, n + 1, n + 1);
        a.write(0, n, new float[] {Float.NaN}, 1);
        double[][] expected = values(a, false);
        for (int i = 0; i <= n; i++) {
          for (int j = 0; j <= n; j++) {
            expected[i][j] = i == n || j > i ? 0 : Math.exp(-0.3 * (i - j)) * expected[i][j];
          }
        }
        tiles.causalDecay(a, n, logDecay, uniform);
        assertClose(a, expected, 3 * ROUNDING * 5);
      }
    }
  }

  @Test
  void copiesFromKindToKind() {
    for (TileOps from : kinds) {
      for (TileOps to : kinds) {
        for (Fp32Tile src : List.of(filled(from.tile(5, 7)), part(from, 5, 7))) {
          for (Fp32Tile dst : List.of(filled(to.tile(5, 7)), part(to, 5, 7))) {
            to.copy(src, dst);
            assertClose(dst, values(src, false), 0);
          }
        }
      }
    }
  }

  /** A tile's rows as heads of tokens. */
  @Test
  void isSeenAsRows() {
    for (TileOps tiles : kinds) {
      Fp32Tile tile = part(tiles, 6, 8);
      float[] row = new float[4];
      tile.asRows(3, 4).read(1, 2, 1, row);
      for (int j = 0; j < 4; j++) {
        assertThat((double) row[j]).isEqualTo(values(tile, false)[5][4 + j]);
      }
    }
  }
}
