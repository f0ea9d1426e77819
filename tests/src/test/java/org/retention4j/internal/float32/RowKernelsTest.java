package org.retention4j.internal.float32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.internal.vector.VectorKernels;

/** The kernels of training against double precision, at widths around those of vectors. */
class RowKernelsTest {
  private static final float BEYOND = 123;
  private static final double ULP = Math.ulp(1f);
  private static final int[] WIDTHS = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130};
  private static final int[] COUNTS = {0, 1, 2, 3, 17};

  private final Random random = new Random(1);

  private static Kernels kernels(ComputeRoute route) {
    return route == ComputeRoute.PLAIN ? new PlainKernels() : new VectorKernels();
  }

  /** Elements past n must be neither read nor written. */
  private float[] row(int n) {
    float[] x = new float[n + 3];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    Arrays.fill(x, n, n + 3, BEYOND);
    return x;
  }

  private static double[] widen(float[] x) {
    double[] wide = new double[x.length - 3];
    Arrays.setAll(wide, i -> x[i]);
    return wide;
  }

  private static void assertRow(float[] actual, double[] expected, double bound) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("element %s of %s", i, expected.length)
          .isCloseTo(expected[i], within(bound * Math.max(1, Math.abs(expected[i]))));
    }
    assertThat(Arrays.copyOfRange(actual, expected.length, actual.length)).containsOnly(BEYOND);
  }

  @ParameterizedTest
  @EnumSource
  void sumsOverRows(ComputeRoute route) {
    RowKernels rows = kernels(route).rows();
    for (int width : WIDTHS) {
      for (int n : COUNTS) {
        float[] a = row(n * width);
        float[] b = row(n * width);
        float[] dots = row(n);
        float[] sum = row(width);
        double[] expectedDots = new double[n];
        double[] expectedSum = widen(sum);
        for (int i = 0; i < n; i++) {
          for (int j = 0; j < width; j++) {
            double product = (double) a[i * width + j] * b[i * width + j];
            expectedDots[i] += product;
            expectedSum[j] += product;
          }
        }
        rows.dots(a, b, n, width, dots);
        assertRow(dots, expectedDots, 4 * Math.sqrt(width) * ULP);
        rows.addProducts(a, b, n, width, sum);
        assertRow(sum, expectedSum, 4 * Math.sqrt(n + 1) * ULP);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void scalesRows(ComputeRoute route) {
    Kernels kernels = kernels(route);
    for (int width : WIDTHS) {
      for (int n : COUNTS) {
        float[] x = row(n * width);
        float[] sum = row(n * width);
        float[] byRow = row(n);
        float[] byColumn = row(width);
        double[] before = widen(x);
        double[] expected = new double[n * width];
        Arrays.setAll(expected, i -> before[i] * byColumn[i % width]);
        kernels.rows().multiply(x, n, width, byColumn);
        assertRow(x, expected, ULP);
        double[] old = widen(sum);
        double[] added = widen(x);
        Arrays.setAll(expected, i -> old[i] + byRow[i / width] * added[i]);
        kernels.rows().addScaled(x, n, width, byRow, sum);
        assertRow(sum, expected, ULP);
        Arrays.setAll(expected, i -> added[i] * byRow[i / width]);
        kernels.scaleRows(x, n, width, byRow);
        assertRow(x, expected, ULP);
      }
    }
  }

  /** By the matrix of the rotation, for heads that turn in part; what stands before them stays. */
  @ParameterizedTest
  @EnumSource
  void rotatesHeads(ComputeRoute route) {
    RowKernels rows = kernels(route).rows();
    for (int half : new int[] {1, 3, 4, 8, 15, 16, 17, 32, 33}) {
      for (int rest : new int[] {0, 1, 16}) {
        for (int heads : new int[] {1, 2, 4, 5}) {
          int width = 2 * half + rest;
          int at = 5;
          float[] x = row(at + heads * width);
          float[] cos = new float[half];
          float[] sin = new float[half];
          double[] before = widen(x);
          double[] expected = before.clone();
          for (int i = 0; i < half; i++) {
            cos[i] = (float) Math.cos(0.7 * i + 0.1);
            sin[i] = (float) Math.sin(0.7 * i + 0.1);
            for (int j = at + i; j < before.length; j += width) {
              expected[j] = 0.25 * (cos[i] * before[j] - sin[i] * before[j + half]);
              expected[j + half] = 0.25 * (sin[i] * before[j] + cos[i] * before[j + half]);
            }
          }
          rows.rotateHeads(x, at, heads, width, half, cos, sin, 0.25f);
          double largest = Arrays.stream(before).map(Math::abs).max().orElse(0);
          assertRow(x, expected, 2 * ULP * Math.max(1, largest));
        }
      }
    }
  }

  /** Wherever the largest stands, and below zero too. */
  @ParameterizedTest
  @EnumSource
  void findsTheLargest(ComputeRoute route) {
    RowKernels rows = kernels(route).rows();
    assertThat(rows.max(new float[] {1}, 0)).isEqualTo(Float.NEGATIVE_INFINITY);
    for (int n : WIDTHS) {
      for (int i = 0; i < n; i++) {
        float[] x = row(n);
        for (int j = 0; j < n; j++) {
          x[j] -= 20;
        }
        x[i] = -0.5f;
        assertThat(rows.max(x, n)).as("at %s of %s", i, n).isEqualTo(-0.5f);
        x[i] = Float.NaN;
        assertThat(rows.max(x, n)).isNaN();
      }
    }
  }

  /** e^x is good to 2 units, a sigmoid to 4, and x times as many of a result in proportion. */
  @ParameterizedTest
  @EnumSource
  void siluIsThatOfTheFormula(ComputeRoute route) {
    RowKernels rows = kernels(route).rows();
    for (int n : WIDTHS) {
      float[] x = row(n);
      for (int i = 0; i < n; i++) {
        x[i] *= 6;
      }
      x[n / 2] = n % 2 == 0 ? 100 : -100;
      double[] value = new double[n];
      double[] slope = new double[n];
      for (int i = 0; i < n; i++) {
        double s = 1 / (1 + Math.exp(-(double) x[i]));
        value[i] = x[i] * s;
        slope[i] = s * (1 + x[i] * (1 - s));
      }
      float[] only = row(n);
      rows.silu(x, only, n);
      assertRow(only, value, 6 * ULP);
      float[] values = row(n);
      float[] slopes = row(n);
      rows.silu(x, values, slopes, n);
      assertThat(values).as("the same bits on the way back").startsWith(Arrays.copyOf(only, n));
      assertRow(values, value, 6 * ULP);
      // x·(1 − s) carries what 1 − s was rounded by, times x.
      assertRow(slopes, slope, 24 * ULP);
    }
    float[] lost = new float[40];
    lost[5] = Float.NaN;
    float[] values = new float[40];
    float[] slopes = new float[40];
    rows.silu(lost, values, slopes, 40);
    assertThat(values[5]).isNaN();
    assertThat(slopes[5]).isNaN();
    assertThat(values[4]).isZero();
    assertThat(slopes[4]).isEqualTo(0.5f);
  }

  /** The first call, which is interpreted, gives the bits of the last, which is compiled. */
  @ParameterizedTest
  @EnumSource
  void givesTheSameBitsBeforeAndAfterCompilation(ComputeRoute route) {
    Kernels kernels = kernels(route);
    float[] x = row(7 * 33);
    float[] y = row(7 * 33);
    float[] first = chain(kernels, x, y);
    for (int i = 0; i < 20_000; i++) {
      float[] again = chain(kernels, x, y);
      if (i % 1000 == 0) {
        assertThat(again).isEqualTo(first);
      }
    }
  }

  private static float[] chain(Kernels kernels, float[] x, float[] y) {
    RowKernels rows = kernels.rows();
    float[] a = x.clone();
    float[] b = y.clone();
    float[] dots = new float[7];
    rows.silu(x, a, b, 7 * 33);
    rows.dots(a, y, 7, 33, dots);
    rows.addScaled(b, 7, 33, dots, a);
    rows.multiply(a, 7, 33, y);
    rows.rotateHeads(a, 0, 7, 33, 16, x, y, 2);
    kernels.scaleRows(a, 7, 33, dots);
    rows.addProducts(a, b, 7, 33, a);
    a[40] += rows.max(b, 7 * 33);
    return a;
  }
}
