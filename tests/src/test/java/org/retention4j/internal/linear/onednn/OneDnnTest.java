package org.retention4j.internal.linear.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.OpenMp;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/** Products, what is refused before a native call, and threads. */
class OneDnnTest {
  private final Arena arena = new Arena();
  private final Random random = new Random(3);

  @AfterEach
  void close() {
    arena.close();
  }

  private Fp32Tile tile(int rows, int columns) {
    Fp32Tile tile = Fp32Tile.allocate(arena, rows, columns);
    fill(tile);
    return tile;
  }

  private void fill(Fp32Tile tile) {
    float[] row = new float[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) random.nextGaussian();
      }
      tile.write(i, row, row.length);
    }
  }

  private static double[][] values(Fp32Tile tile, boolean transpose) {
    double[][] x = new double[transpose ? tile.columns() : tile.rows()][];
    for (int i = 0; i < x.length; i++) {
      x[i] = new double[transpose ? tile.rows() : tile.columns()];
    }
    float[] row = new float[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      tile.read(i, row, row.length);
      for (int j = 0; j < row.length; j++) {
        x[transpose ? j : i][transpose ? i : j] = row[j];
      }
    }
    return x;
  }

  private static double[][] times(double[][] a, double[][] b) {
    double[][] c = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b[0].length; j++) {
        for (int p = 0; p < b.length; p++) {
          c[i][j] += a[i][p] * b[p][j];
        }
      }
    }
    return c;
  }

  private static void assertClose(Fp32Tile actual, double[][] expected, int inner) {
    double[][] values = values(actual, false);
    // Half a unit of the last place for each term, of partial sums that reach 4·√inner.
    double bound = 0.5 * Math.ulp(1f) * inner * Math.max(1, 4 * Math.sqrt(inner));
    for (int i = 0; i < expected.length; i++) {
      assertThat(values[i]).as("row %s", i).containsExactly(expected[i], within(bound));
    }
  }

  private Product product(
      Fp32Tile a, boolean ta, Fp32Tile b, boolean tb, Fp32Tile c, boolean accumulate) {
    return OneDnn.product(
        arena,
        OneDnn.Matrix.of(a, ta),
        OneDnn.Matrix.of(b, tb),
        OneDnn.Matrix.of(c, false),
        accumulate);
  }

  /** Every orientation at every size, with no implementation named ref. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 63, 64, 65, 128})
  void multipliesInEveryOrientation(int n) {
    int inner = n + 3;
    int columns = 2 * n + 1;
    for (boolean ta : new boolean[] {false, true}) {
      for (boolean tb : new boolean[] {false, true}) {
        Fp32Tile a = ta ? tile(inner, n) : tile(n, inner);
        Fp32Tile b = tb ? tile(columns, inner) : tile(inner, columns);
        Fp32Tile c = tile(n, columns);
        Product product = product(a, ta, b, tb, c, false);
        product.run();
        assertThat(product.implementation()).isNotEmpty().doesNotContain("ref");
        assertClose(c, times(values(a, ta), values(b, tb)), inner);
      }
    }
  }

  /** Sums and plain products may go to a part of a tile, and touch nothing else of it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void writesToPartsOfTiles(boolean accumulate) {
    Fp32Tile whole = tile(9, 12);
    Fp32Tile part = (Fp32Tile) whole.part(2, 5, 3, 6);
    Fp32Tile a = tile(5, 4);
    Fp32Tile b = tile(4, 6);
    double[][] expected = values(whole, false);
    double[][] ab = times(values(a, false), values(b, false));
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 6; j++) {
        expected[i + 2][j + 3] = ab[i][j] + (accumulate ? expected[i + 2][j + 3] : 0);
      }
    }
    Product product = product(a, false, b, false, part, accumulate);
    product.run();
    assertThat(product.implementation()).doesNotContain("ref");
    assertClose(whole, expected, 4);
  }

  @Test
  void refusesShapesThatDoNotJoin() {
    Fp32Tile a = tile(3, 4);
    Fp32Tile b = tile(5, 6);
    for (int[] c : new int[][] {{3, 6}, {2, 6}, {3, 5}}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> product(a, false, b, false, tile(c[0], c[1]), false))
          .withMessageContaining("(3,4)·(5,6) -> (%d,%d)", c[0], c[1]);
    }
    Fp32Tile fits = tile(4, 6);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> product(a, false, fits, false, tile(2, 6), false));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> product(a, false, fits, false, tile(3, 5), false));
  }

  @Test
  void refusesMatricesThatOneDnnCannotTake() {
    Fp32Tile a = tile(3, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OneDnn.Matrix(a.pointer(), 0, 4, 4, 1))
        .withMessageContaining("0 x 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OneDnn.Matrix(a.pointer(), 3, 4, 0, 1))
        .withMessageContaining("(0,1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OneDnn.Matrix(a.pointer(), 3, 2, 4, 2))
        .withMessageContaining("(4,2)");
  }

  /**
   * Primitives made on one thread run on eight, all at once, and the same one on each in turn: the
   * scratchpad is theirs, not the making thread's.
   */
  @Test
  void runsOnOtherThreadsThanItWasMadeOn() throws Exception {
    int count = 8;
    List<Fp32Tile> results = new ArrayList<>();
    List<double[][]> expected = new ArrayList<>();
    List<Product> products = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      // Transposed operands and odd sizes make implementations ask for scratch.
      Fp32Tile a = tile(65, 129);
      Fp32Tile b = tile(77, 65);
      Fp32Tile c = tile(129, 77);
      results.add(c);
      expected.add(times(values(a, true), values(b, true)));
      products.add(product(a, true, b, true, c, false));
    }
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      for (int shift = 0; shift < count; shift++) {
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          Product mine = products.get((i + shift) % count);
          running.add(
              threads.submit(
                  () -> {
                    OpenMp.setThreads(1);
                    for (int round = 0; round < 20; round++) {
                      mine.run();
                    }
                  }));
        }
        for (Future<?> future : running) {
          future.get();
        }
        for (int i = 0; i < count; i++) {
          assertClose(results.get(i), expected.get(i), 65);
          fill(results.get(i));
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
