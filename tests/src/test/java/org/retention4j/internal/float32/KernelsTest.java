package org.retention4j.internal.float32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.internal.vector.VectorKernels;

/** Each provider's kernels against double precision, at every length around its vectors. */
class KernelsTest {
  private static final float BEYOND = 123;
  private final Random random = new Random(1);

  private float[] row(int n) {
    float[] x = new float[n + 3];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    // Elements past n must be neither read nor written.
    Arrays.fill(x, n, n + 3, BEYOND);
    return x;
  }

  private static int[] lengths() {
    int[] lengths = new int[72];
    Arrays.setAll(lengths, i -> i < 70 ? i : i == 70 ? 128 : 515);
    return lengths;
  }

  private static void assertRow(float[] actual, double[] expected, double bound) {
    int n = expected.length;
    for (int i = 0; i < n; i++) {
      assertThat((double) actual[i])
          .as("element %s of %s", i, n)
          .isCloseTo(expected[i], within(bound * Math.max(1, Math.abs(expected[i]))));
    }
    for (int i = n; i < actual.length; i++) {
      assertThat(actual[i]).as("element %s beyond %s", i, n).isEqualTo(BEYOND);
    }
  }

  private static Kernels kernels(ComputeRoute route) {
    return route == ComputeRoute.PLAIN ? new PlainKernels() : new VectorKernels();
  }

  @ParameterizedTest
  @EnumSource
  void elementWise(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    assertThat(kernels.name()).startsWith(provider == ComputeRoute.PLAIN ? "plain" : "vector-");
    double ulp = Math.ulp(1f);
    for (int n : lengths()) {
      float[] x = row(n);
      float[] y = row(n);
      double[] before = widen(x, n);
      double[] expected = new double[n];
      Arrays.setAll(expected, i -> before[i] * 0.3f);
      kernels.scale(x, n, 0.3f);
      assertRow(x, expected, ulp);
      double[] scaled = widen(x, n);
      Arrays.setAll(expected, i -> scaled[i] * y[i]);
      kernels.multiply(x, y, n);
      assertRow(x, expected, ulp);
      double[] sums = widen(x, n);
      Arrays.setAll(expected, i -> sums[i] + 0.3f * (double) y[i]);
      kernels.addScaled(y, n, 0.3f, x);
      assertRow(x, expected, ulp);
    }
  }

  /** By the matrix of the rotation: four roundings of what is at most as large as a pair. */
  @ParameterizedTest
  @EnumSource
  void rotates(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int half : lengths()) {
      float[] x = row(2 * half);
      double[] before = widen(x, 2 * half);
      float[] cos = new float[half];
      float[] sin = new float[half];
      double[] expected = new double[2 * half];
      double largest = 1;
      for (int i = 0; i < half; i++) {
        cos[i] = (float) Math.cos(0.7 * i + 0.1);
        sin[i] = (float) Math.sin(0.7 * i + 0.1);
        expected[i] = 0.25 * (cos[i] * before[i] - sin[i] * before[i + half]);
        expected[i + half] = 0.25 * (sin[i] * before[i] + cos[i] * before[i + half]);
        largest = Math.max(largest, Math.hypot(before[i], before[i + half]));
      }
      kernels.rotateHalves(x, half, cos, sin, 0.25f);
      assertRow(x, expected, 2 * Math.ulp(1f) * largest);
    }
  }

  private static double[] widen(float[] x, int n) {
    double[] wide = new double[n];
    Arrays.setAll(wide, i -> x[i]);
    return wide;
  }

  @ParameterizedTest
  @EnumSource
  void sums(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int n : lengths()) {
      float[] x = row(n);
      float[] y = row(n);
      double dot = 0;
      double squares = 0;
      for (int i = 0; i < n; i++) {
        dot += (double) x[i] * y[i];
        squares += (double) x[i] * x[i];
      }
      double bound = 4 * Math.sqrt(n) * Math.ulp(1f);
      assertThat((double) kernels.dot(x, y, n)).isCloseTo(dot, within(bound));
      assertThat((double) kernels.sumOfSquares(x, n)).isCloseTo(squares, within(bound * 4));
    }
  }

  /** A state (K,V) in the provider's layout, with elements beyond it. */
  private float[][] state(Kernels kernels, int keys, int values) {
    if (kernels.flatRows()) {
      return new float[][] {row(keys * values)};
    }
    float[][] s = new float[keys][];
    Arrays.setAll(s, k -> row(values));
    return s;
  }

  private static double[] row(Kernels kernels, float[][] s, int k, int values) {
    return kernels.flatRows()
        ? widen(Arrays.copyOfRange(s[0], k * values, (k + 1) * values), values)
        : widen(s[k], values);
  }

  /** Reading, folding and updating a state, in the layout that the provider asks for. */
  @ParameterizedTest
  @EnumSource
  void states(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    double ulp = Math.ulp(1f);
    for (int values : new int[] {1, 5, 15, 16, 17, 32, 33, 64, 100, 512}) {
      for (int keys : new int[] {1, 2, 3, 4, 7, 8, 9, 33}) {
        float[][] s = state(kernels, keys, values);
        float[] q = row(keys);
        float[] sum = row(values);
        double[] expected = widen(sum, values);
        for (int k = 0; k < keys; k++) {
          double[] x = row(kernels, s, k, values);
          for (int j = 0; j < values; j++) {
            expected[j] += q[k] * x[j];
          }
        }
        kernels.addRows(s, keys, values, q, sum);
        assertRow(sum, expected, 2 * keys * ulp);

        int row = keys / 2;
        float[] add = row(values);
        double[][] before = new double[keys][];
        Arrays.setAll(before, k -> row(kernels, s, k, values));
        kernels.decayAndAdd(s, row, values, 0.25f, add);
        for (int j = 0; j < values; j++) {
          before[row][j] += add[j] - 0.25f * before[row][j];
        }
        assertState(kernels, s, before, values, 4 * ulp);
        kernels.scaleAndAdd(s, row, values, 0.125f, add);
        for (int j = 0; j < values; j++) {
          before[row][j] = add[j] + 0.125f * before[row][j];
        }
        assertState(kernels, s, before, values, 4 * ulp);
        for (int count : new int[] {0, 1, 3, 4, 5, 16}) {
          fold(kernels, s, keys, values, count, true);
          fold(kernels, s, keys, values, count, false);
        }
      }
    }
  }

  private void fold(Kernels kernels, float[][] s, int keys, int values, int count, boolean isLoss) {
    float[][] k = new float[count + 1][];
    float[][] v = new float[count + 1][];
    Arrays.setAll(k, i -> row(keys));
    Arrays.setAll(v, i -> row(values));
    double[][] expected = new double[keys][];
    Arrays.setAll(expected, i -> row(kernels, s, i, values));
    for (int i = 0; i < keys; i++) {
      for (int j = 0; j < values; j++) {
        expected[i][j] = (isLoss ? 1 - (double) 0.1f : 0.1f) * expected[i][j];
        for (int t = 0; t < count; t++) {
          expected[i][j] += (double) k[t][i] * v[t][j];
        }
      }
    }
    kernels.fold(s, keys, values, 0.1f, isLoss, k, v, count, new float[16]);
    assertState(kernels, s, expected, values, 2 * (count + 4) * Math.ulp(1f));
  }

  private static void assertState(
      Kernels kernels, float[][] s, double[][] expected, int values, double bound) {
    for (int k = 0; k < expected.length; k++) {
      double[] actual = row(kernels, s, k, values);
      for (int j = 0; j < values; j++) {
        assertThat(actual[j])
            .as("S[%s,%s] of %s x %s", k, j, expected.length, values)
            .isCloseTo(expected[k][j], within(bound * Math.max(1, Math.abs(expected[k][j]))));
      }
    }
    for (float[] row : s) {
      assertThat(Arrays.copyOfRange(row, row.length - 3, row.length)).containsOnly(BEYOND);
    }
  }

  /** What a softmax needs; e^x in fp32 is good to some 1e-7 of itself. */
  @ParameterizedTest
  @EnumSource
  void exponentials(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    assertThat(kernels.max(new float[] {1}, 0)).isEqualTo(Float.NEGATIVE_INFINITY);
    for (int n : lengths()) {
      float[] x = row(n);
      double[] before = widen(x, n);
      double largest = Arrays.stream(before).max().orElse(Double.NEGATIVE_INFINITY);
      assertThat((double) kernels.max(x, n)).isEqualTo(largest);
      double[] expected = new double[n];
      Arrays.setAll(expected, i -> Math.exp(before[i] - (float) largest));
      double sum = Arrays.stream(expected).sum();
      assertThat((double) kernels.expAndSum(x, (float) largest, n))
          .isCloseTo(sum, within(4 * Math.ulp(1f) * Math.max(1, sum)));
      assertRow(x, expected, 4 * Math.ulp(1f));
    }
  }

  /** What is not a number stays so, what is far below the largest is 0. */
  @ParameterizedTest
  @EnumSource
  void keepsTheEndsOfTheExponential(ComputeRoute provider) {
    float[] x = new float[40];
    Arrays.fill(x, Float.NEGATIVE_INFINITY);
    x[3] = 5;
    x[35] = -200;
    float[] y = x.clone();
    assertThat(kernels(provider).expAndSum(x, 5, 40)).isEqualTo(1f);
    float[] expected = new float[40];
    expected[3] = 1;
    assertThat(x).isEqualTo(expected);
    y[4] = Float.NaN;
    assertThat(kernels(provider).expAndSum(y, 5, 40)).isNaN();
    assertThat(y[4]).isNaN();
  }

  /** e^-87 is still a normal number; of less nothing is asked but that it is no more. */
  @ParameterizedTest
  @EnumSource
  void countsTheSmallestExponentialAndMaySkipTheNext(ComputeRoute provider) {
    double least = Math.exp(-87);
    float[] x = new float[32];
    Arrays.fill(x, 5);
    x[3] = -82;
    x[9] = Math.nextUp(-82f);
    x[17] = Math.nextDown(-82f);
    x[30] = -Float.MAX_VALUE;
    kernels(provider).expAndSum(x, 5, 32);
    assertThat((double) x[3]).isCloseTo(least, within(4 * Math.ulp(1f) * least));
    assertThat((double) x[9]).isCloseTo(least, within(1e-5 * least)).isGreaterThan(x[3]);
    assertThat((double) x[17]).isBetween(0.0, least);
    assertThat(x[30]).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void sigmoidIsThatOfTheFormula(ComputeRoute provider) {
    for (int n : new int[] {1, 7, 63, 65}) {
      float[] x = new float[n];
      for (int i = 0; i < n; i++) {
        x[i] = (i - n / 2) * 1.37f;
      }
      x[n / 2] = 300;
      x[0] = -300;
      float[] y = new float[n];
      kernels(provider).sigmoid(x, y, n);
      for (int i = 0; i < n; i++) {
        double expected = 1 / (1 + Math.exp(-(double) x[i]));
        assertThat((double) y[i]).isCloseTo(expected, within(4 * Math.ulp(1f) * expected + 1e-37));
      }
    }
    float[] lost = new float[40];
    lost[5] = Float.NaN;
    kernels(provider).sigmoid(lost, lost, 40);
    assertThat(lost[5]).isNaN();
    assertThat(lost[4]).isEqualTo(0.5f);
  }

  /** The first call, which is interpreted, gives the bits of the last, which is compiled. */
  @ParameterizedTest
  @EnumSource
  void givesTheSameBitsBeforeAndAfterCompilation(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    float[] x = row(100);
    float[] y = row(100);
    float[] first = x.clone();
    float sum = kernels.expAndSum(first, 3, 100);
    float dot = kernels.dot(x, y, 100);
    float[] sigmoid = new float[100];
    kernels.sigmoid(x, sigmoid, 100);
    float[] turned = x.clone();
    kernels.rotateHalves(turned, 50, y, y, 2);
    for (int i = 0; i < 20_000; i++) {
      float[] again = x.clone();
      assertThat(kernels.expAndSum(again, 3, 100)).isEqualTo(sum);
      assertThat(kernels.dot(x, y, 100)).isEqualTo(dot);
      float[] sigmoidAgain = new float[100];
      kernels.sigmoid(x, sigmoidAgain, 100);
      assertThat(sigmoidAgain).isEqualTo(sigmoid);
      float[] turnedAgain = x.clone();
      kernels.rotateHalves(turnedAgain, 50, y, y, 2);
      if (i % 1000 == 0) {
        assertThat(again).isEqualTo(first);
        assertThat(turnedAgain).isEqualTo(turned);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void addsRows(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int n : new int[] {1, 7, 16, 33, 64}) {
      for (int count = 0; count <= 9; count++) {
        float[][] rows = new float[count + 1][];
        Arrays.setAll(rows, i -> row(n));
        float[] factors = row(count + 1);
        float[] sum = row(n);
        double[] expected = widen(sum, n);
        for (int i = 0; i < count; i++) {
          for (int j = 0; j < n; j++) {
            expected[j] += (double) factors[i] * rows[i][j];
          }
        }
        kernels.addEach(rows, factors, count, sum, n);
        assertRow(sum, expected, 8 * Math.ulp(1f));
      }
    }
  }

  /** Rows of bf16, which any number of bits gives exactly. */
  @ParameterizedTest
  @EnumSource
  void addsAndWidensRowsOfBfloat16(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int n : new int[] {1, 7, 16, 33, 64}) {
      for (int count = 0; count <= 9; count++) {
        short[] rows = new short[count * n + 2];
        for (int i = 0; i < rows.length; i++) {
          rows[i] = (short) (0x3f00 + random.nextInt(256) | random.nextInt(2) << 15);
        }
        float[] factors = row(count + 1);
        float[] sum = row(n);
        double[] expected = widen(sum, n);
        for (int i = 0; i < count; i++) {
          for (int j = 0; j < n; j++) {
            expected[j] += (double) factors[i] * Float.intBitsToFloat(rows[i * n + j] << 16);
          }
        }
        kernels.addRows(rows, count, n, factors, sum);
        assertRow(sum, expected, 16 * Math.ulp(1f));
        float[] wide = row(n);
        kernels.widen(rows, count, wide, Math.min(n, rows.length - count));
        assertThat(wide[0]).isEqualTo(Float.intBitsToFloat(rows[count] << 16));
        assertThat(wide[n]).isEqualTo(BEYOND);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void findsWhatIsNotFinite(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int n : lengths()) {
      float[] x = row(n);
      x[n] = Float.NaN;
      assertThat(kernels.allFinite(x, n)).isTrue();
      for (int i = 0; i < n; i += Math.max(1, n / 16)) {
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
          float[] spoilt = x.clone();
          spoilt[i] = bad;
          assertThat(kernels.allFinite(spoilt, n)).as("%s at %s of %s", bad, i, n).isFalse();
        }
      }
    }
    float[] large = {Float.MAX_VALUE, -Float.MAX_VALUE, Float.MAX_VALUE};
    assertThat(kernels.allFinite(large, 3)).isTrue();
  }
}
