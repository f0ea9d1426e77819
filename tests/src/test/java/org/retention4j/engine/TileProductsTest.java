package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/** Products cut into blocks against plain loops in double. */
class TileProductsTest {
  /** The sum of n products of numbers below 1, each of which is rounded to 24 bits. */
  private static double bound(int n) {
    return (n + 1) * 0x1p-23;
  }

  @ParameterizedTest
  @CsvSource({
    "1,1,1",
    "1,7,63",
    "65,63,7",
    "300,65,130",
    "130,300,65",
    "257,600,33",
    "64,513,1",
    "2,2,700"
  })
  void bf16OperandsAreRoundedOnceAndSumsAreFp32(int m, int n, int p) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN)) {
      assumeTrue(engine.multipliesBfloat16(), "this processor multiplies bf16");
      check(engine, true, TileProductsTest::rounded, m, n, p);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "65,63,7", "300,65,130", "257,600,33"})
  void withoutSuchProductsNothingIsRounded(int m, int n, int p) {
    try (Engine engine = Engine.float64()) {
      check(engine, true, x -> x, m, n, p);
    }
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN)) {
      check(engine, false, x -> x, m, n, p);
    }
  }

  @Test
  void operandsAreRoundedAnewForEachRun() {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
        Buffers owner = engine.newBuffers();
        Scratch scratch = engine.newScratch()) {
      Tile x = owner.tile(3, 5);
      Tile c = owner.tile(3, 3);
      TileProducts products =
          TileProducts.bfloat16(engine, owner, scratch).add(x, false, x, true, c, false);
      products.run();
      double[][] ones = {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {2, 2, 2, 2, 2}};
      fill(x, ones);
      products.run();
      assertThat(read(c)[2]).containsExactly(10, 10, 20);
    }
  }

  /** To the bit what is computed of operands that are rounded when products run, or of parts. */
  @ParameterizedTest
  @CsvSource({"1,1,1", "65,63,7", "300,65,130", "257,600,33"})
  void tilesOfBf16AreReadAsTheyWereWritten(int m, int n, int p) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.best());
        Buffers owner = engine.newBuffers();
        Scratch scratch = engine.newScratch()) {
      double[][] a = numbers(new SplittableRandom(m), m, n);
      double[][] b = numbers(new SplittableRandom(n), n, p);
      Tile expected = owner.tile(m, p);
      TileProducts.bfloat16(engine, owner, scratch)
          .add(tile(owner, a), false, tile(owner, b), false, expected, false)
          .run();
      Tile left = TileProducts.bfloat16Tile(engine, scratch, m, n);
      Tile right = TileProducts.bfloat16Tile(engine, scratch, p, n);
      Tile to = owner.tile(m, p);
      TileProducts products =
          TileProducts.bfloat16(engine, owner, scratch).add(left, false, right, true, to, false);
      for (double[][] first : new double[][][] {numbers(new SplittableRandom(1), m, n), a}) {
        fill(left, first);
        fill(right, transposed(b));
        products.run();
      }
      assertThat(read(to)).isDeepEqualTo(read(expected));
    }
  }

  @Test
  void rowsOfBf16AreRoundedOnce() {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
        Scratch scratch = engine.newScratch()) {
      assumeTrue(engine.multipliesBfloat16(), "this processor multiplies bf16");
      Tile tile = TileProducts.bfloat16Tile(engine, scratch, 6, 10);
      double[][] all = numbers(new SplittableRandom(3), 6, 10);
      all[5] = new double[] {0, -0.0, 1, 0x1.01p0, 0x1.03p0, 0x1p-133, -0x1p-140, 3e38, 1e-3, -7};
      fill(tile, all);
      double[][] read = read(tile);
      RowView heads = tile.asRows(3, 5);
      float[] two = new float[10];
      for (int i = 0; i < 6; i++) {
        double[] expected = Arrays.stream(all[i]).map(TileProductsTest::rounded).toArray();
        assertThat(read[i]).containsExactly(expected);
        for (int j = 0; j < 10; j++) {
          assertThat(heads.get(i / 3, i % 3, j / 5, j % 5)).isEqualTo(expected[j]);
        }
        heads.read(i / 3, i % 3, 1, two);
        assertThat(two[4]).isEqualTo((float) expected[9]);
      }
      heads.write(1, 0, 1, 2, new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, Float.NaN});
      assertThat(read(tile)[3]).startsWith(read[3][0], read[3][1]).endsWith(1, 2, 3, 4, 5);
      assertThat(read(tile)[4]).endsWith(6, 7, 8, 9, Double.NaN);
      assertThat(read(tile)[5]).isEqualTo(read[5]);
      heads.first(2).readNarrow(1, 0, 1, two);
      assertThat(two).startsWith(1, 2).endsWith(Arrays.copyOfRange(two, 2, 10));
    }
  }

  /** Whichever of them was given an operand first, each multiplies what stood there when it ran. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void productsBehindOthersHaveOperandsOfTheirsOrTheirOwn(boolean laterFirst) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.best());
        Buffers owner = engine.newBuffers();
        Scratch scratch = engine.newScratch()) {
      Tile x = owner.tile(3, 5);
      Tile first = owner.tile(3, 3);
      Tile second = owner.tile(3, 3);
      TileProducts before = TileProducts.bfloat16(engine, owner, scratch);
      TileProducts behind = before.behind();
      if (laterFirst) {
        behind.add(x, false, x, true, second, false);
      }
      before.add(x, false, x, true, first, false);
      if (!laterFirst) {
        behind.add(x, false, x, true, second, false);
      }
      for (double value : new double[] {1, 2}) {
        double[][] row = {{value, value, value, value, value}, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}};
        fill(x, row);
        before.run();
        behind.run();
        assertThat(read(first)[0]).containsExactly(5 * value * value, 5 * value, 0);
        assertThat(read(second)[0]).containsExactly(5 * value * value, 5 * value, 0);
      }
    }
  }

  private static void check(
      Engine engine, boolean bf16, DoubleUnaryOperator rounding, int m, int n, int p) {
    for (int kind = 0; kind < 8; kind++) {
      boolean transposeA = (kind & 1) != 0;
      boolean transposeB = (kind & 2) != 0;
      boolean accumulate = (kind & 4) != 0;
      SplittableRandom random = new SplittableRandom(kind + 31L * m);
      double[][] a = numbers(random, m, n);
      double[][] b = numbers(random, n, p);
      double[][] before = numbers(random, m, p);
      try (Buffers owner = engine.newBuffers();
          Scratch scratch = engine.newScratch()) {
        Tile left = tile(owner, transposeA ? transposed(a) : a);
        Tile right = tile(owner, transposeB ? transposed(b) : b);
        Tile to = tile(owner, before);
        TileProducts products =
            bf16 ? TileProducts.bfloat16(engine, owner, scratch) : new TileProducts(engine, owner);
        products.add(left, transposeA, right, transposeB, to, accumulate).run();
        double[][] got = read(to);
        double worst = 0;
        for (int i = 0; i < m; i++) {
          for (int j = 0; j < p; j++) {
            double sum = accumulate ? before[i][j] : 0;
            for (int k = 0; k < n; k++) {
              sum += rounding.applyAsDouble(a[i][k]) * rounding.applyAsDouble(b[k][j]);
            }
            worst = Math.max(worst, Math.abs(got[i][j] - sum));
          }
        }
        assertThat(worst).as("error of kind %d", kind).isLessThan(bound(n));
      }
    }
  }

  /** To the nearest number of 8 significant bits, ties to the even one. */
  private static double rounded(double x) {
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(x), Float.MIN_EXPONENT) - 7);
    return Math.rint(x / unit) * unit;
  }

  private static double[][] numbers(SplittableRandom random, int rows, int columns) {
    double[][] all = new double[rows][columns];
    for (double[] row : all) {
      for (int j = 0; j < columns; j++) {
        row[j] = (float) random.nextDouble(-1, 1);
      }
    }
    return all;
  }

  private static double[][] transposed(double[][] a) {
    double[][] all = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        all[j][i] = a[i][j];
      }
    }
    return all;
  }

  private static Tile tile(Buffers owner, double[][] elements) {
    Tile tile = owner.tile(elements.length, elements[0].length);
    fill(tile, elements);
    return tile;
  }

  private static void fill(Tile tile, double[][] elements) {
    for (int i = 0; i < elements.length; i++) {
      tile.asRows(tile.rows(), tile.columns()).writeWide(0, i, 0, elements[i]);
    }
  }

  private static double[][] read(Tile tile) {
    double[][] all = new double[tile.rows()][tile.columns()];
    for (int i = 0; i < all.length; i++) {
      tile.asRows(tile.rows(), tile.columns()).readWide(0, i, 0, all[i]);
    }
    return all;
  }
}
