package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.dnnl.memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products, what is refused before a native call, and threads. */
class OneDnnTest {
  private final Arena arena = new Arena();
  private final Random random = new Random(3);

  @AfterEach
  void close() {
    arena.close();
  }

  private Float32Tile tile(int rows, int columns) {
    Float32Tile tile = Float32Tile.allocate(arena, rows, columns);
    fill(tile);
    return tile;
  }

  private void fill(Float32Tile tile) {
    float[] row = new float[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) random.nextGaussian();
      }
      tile.write(i, row, row.length);
    }
  }

  private static double[][] values(Float32Tile tile, boolean transpose) {
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

  private static void assertClose(Float32Tile actual, double[][] expected, int inner) {
    double[][] values = values(actual, false);
    // Half a unit of the last place for each term, of partial sums that reach 4·√inner.
    double bound = 0.5 * Math.ulp(1f) * inner * Math.max(1, 4 * Math.sqrt(inner));
    for (int i = 0; i < expected.length; i++) {
      assertThat(values[i]).as("row %s", i).containsExactly(expected[i], within(bound));
    }
  }

  private Product product(
      Float32Tile a, boolean ta, Float32Tile b, boolean tb, Float32Tile c, OneDnn.PostOp op) {
    return OneDnn.product(
        arena, OneDnn.Matrix.of(a, ta), OneDnn.Matrix.of(b, tb), OneDnn.Matrix.of(c, false), op);
  }

  /** Every orientation at every size, with no implementation named ref. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 63, 64, 65, 128})
  void multipliesInEveryOrientation(int n) {
    int inner = n + 3;
    int columns = 2 * n + 1;
    for (boolean ta : new boolean[] {false, true}) {
      for (boolean tb : new boolean[] {false, true}) {
        Float32Tile a = ta ? tile(inner, n) : tile(n, inner);
        Float32Tile b = tb ? tile(columns, inner) : tile(inner, columns);
        Float32Tile c = tile(n, columns);
        Product product = product(a, ta, b, tb, c, OneDnn.PostOp.NONE);
        product.run();
        assertThat(product.implementation()).isNotEmpty().doesNotContain("ref");
        assertClose(c, times(values(a, ta), values(b, tb)), inner);
      }
    }
  }

  /** Sums and plain products may go to a part of a tile, and touch nothing else of it. */
  @ParameterizedTest
  @EnumSource(names = {"NONE", "ACCUMULATE", "SILU"})
  void writesToPartsOfTiles(OneDnn.PostOp op) {
    Float32Tile whole = tile(9, 12);
    Float32Tile part = (Float32Tile) whole.part(2, 5, 3, 6);
    Float32Tile a = tile(5, 4);
    Float32Tile b = tile(4, 6);
    double[][] expected = values(whole, false);
    double[][] ab = times(values(a, false), values(b, false));
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 6; j++) {
        double x = ab[i][j];
        expected[i + 2][j + 3] =
            switch (op) {
              case ACCUMULATE -> expected[i + 2][j + 3] + x;
              case SILU -> x / (1 + Math.exp(-x));
              default -> x;
            };
      }
    }
    Product product = product(a, false, b, false, part, op);
    product.run();
    assertThat(product.implementation()).doesNotContain("ref");
    assertClose(whole, expected, 4);
  }

  /**
   * oneDNN 3.11 ends the JVM with SIGSEGV in generated code when a binary post-op meets a
   * destination that is not dense: refused before it is made.
   */
  @Test
  void refusesABinaryPostOpOnAStridedDestination() {
    Float32Tile part = (Float32Tile) tile(8, 16).part(0, 8, 0, 8);
    Float32Tile other = tile(8, 8);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> multiply(part, other))
        .withMessageContainingAll("dense destination", "row stride 8", "got row stride 16");
    Float32Tile dense = tile(8, 8);
    Float32Tile a = multiply(dense, other);
    double[][] expected = times(values(a, false), values(a, false));
    double[][] factors = values(other, false);
    for (int i = 0; i < 8; i++) {
      for (int j = 0; j < 8; j++) {
        expected[i][j] *= factors[i][j];
      }
    }
    assertClose(dense, expected, 64);
  }

  /** dst ← (a·a) ⊙ other; returns a. */
  private Float32Tile multiply(Float32Tile dst, Float32Tile other) {
    Float32Tile a = tile(8, 8);
    OneDnn.Matrix square = OneDnn.Matrix.of(a, false);
    memory weights = arena.own(new memory(square.desc(OneDnn.F32), OneDnn.cpu(), square.data()));
    OneDnn.Weights plain = new OneDnn.Weights(weights, square.rows(), square.columns(), null);
    OneDnn.product(
            arena,
            arena::allocate,
            square,
            OneDnn.F32,
            plain,
            OneDnn.Matrix.of(dst, false),
            false,
            OneDnn.PostOp.MULTIPLY,
            OneDnn.Matrix.of(other, false))
        .run();
    return a;
  }

  @Test
  void refusesShapesThatDoNotJoin() {
    Float32Tile a = tile(3, 4);
    Float32Tile b = tile(5, 6);
    for (int[] c : new int[][] {{3, 6}, {2, 6}, {3, 5}}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> product(a, false, b, false, tile(c[0], c[1]), OneDnn.PostOp.NONE))
          .withMessageContaining("(3,4)·(5,6) -> (%d,%d)", c[0], c[1]);
    }
    Float32Tile fits = tile(4, 6);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> product(a, false, fits, false, tile(2, 6), OneDnn.PostOp.NONE));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> product(a, false, fits, false, tile(3, 5), OneDnn.PostOp.NONE));
  }

  @Test
  void refusesMatricesThatOneDnnCannotTake() {
    Float32Tile a = tile(3, 4);
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
    List<Float32Tile> results = new ArrayList<>();
    List<double[][]> expected = new ArrayList<>();
    List<Product> products = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      // Transposed operands and odd sizes make implementations ask for scratch.
      Float32Tile a = tile(65, 129);
      Float32Tile b = tile(77, 65);
      Float32Tile c = tile(129, 77);
      results.add(c);
      expected.add(times(values(a, true), values(b, true)));
      products.add(product(a, true, b, true, c, OneDnn.PostOp.NONE));
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
