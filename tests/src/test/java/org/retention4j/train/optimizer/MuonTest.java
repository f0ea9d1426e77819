package org.retention4j.train.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowView;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.tensor.TrainedTensor;

/** Muon against the same written down plainly, one number after the other. */
class MuonTest {
  /**
   * Of the largest weight. The polynomial's slope of 3.4445 at 0 makes roundings up to 485 times
   * larger in five steps; updates are a hundredth of the weights.
   */
  private static final double CLOSE_64 = 1e-13;

  private static final double CLOSE_32 = 2e-6;
  private static final int STEPS = 3;
  private static final double RATE = 0.01;
  private static final double DECAY = 0.3;
  private static final double SCALE = 0.5;

  private static final OptimizerOptions OPTIONS =
      OptimizerOptions.DEFAULT.withKind(OptimizerOptions.Kind.MUON).withWeightDecay(DECAY, false);

  private static final List<WeightSpec> WEIGHTS =
      List.of(
          WeightSpec.matrix("embedding", 50, 24),
          WeightSpec.matrix("wide", 24, 70),
          WeightSpec.norm("norm", 24),
          WeightSpec.matrix("tall", 300, 33),
          WeightSpec.matrix("column", 5, 1));

  private static boolean hidden(Parameter parameter) {
    return parameter.isMatrix() && !parameter.name().equals("embedding");
  }

  /** Parameters with an optimizer, fed with gradients of a seed. */
  private static final class Case implements AutoCloseable {
    final Engine engine;
    final Buffers owner;
    final List<Parameter> parameters = new ArrayList<>();
    final Optimizer optimizer;
    final Random random = new Random(7);
    long count;

    Case(ElementType type, int lanes, List<WeightSpec> weights, boolean muon) {
      engine = Engine.create(type, lanes, ComputeRoute.PLAIN);
      owner = engine.newBuffers();
      weights.forEach(w -> parameters.add(Parameter.of(engine, owner, w.name(), w)));
      optimizer =
          muon
              ? new Muon(engine, owner, parameters, Parameter::isMatrix, MuonTest::hidden)
              : new AdamW(engine, owner, parameters, Parameter::isMatrix);
      parameters.forEach(p -> fill(p, new Random(p.name().hashCode()), p::write));
    }

    /** Takes a step and returns the gradients that it was given. */
    double[][] step() {
      double[][] all = new double[parameters.size()][];
      for (int i = 0; i < all.length; i++) {
        Parameter p = parameters.get(i);
        RowView rows = p.isMatrix() ? p.gradient().asRows(p.rows(), p.columns()) : null;
        all[i] =
            fill(
                p,
                random,
                (row, numbers) -> {
                  if (rows == null) {
                    assertThat(p.vectorGradient()).containsOnly(0);
                    System.arraycopy(numbers, 0, p.vectorGradient(), 0, numbers.length);
                  } else {
                    assertThat(rows.get(0, row, 0, numbers.length - 1)).as("cleared").isZero();
                    rows.writeWide(0, row, 0, numbers);
                  }
                });
      }
      double squares = Arrays.stream(all).flatMapToDouble(Arrays::stream).map(x -> x * x).sum();
      assertThat(optimizer.gradientNorm())
          .isCloseTo(Math.sqrt(squares), within(1e-6 * Math.sqrt(squares)));
      optimizer.step(new OptimizerStep(OPTIONS, RATE, SCALE, ++count), true);
      return all;
    }

    double[] values(int parameter) {
      Parameter p = parameters.get(parameter);
      double[] all = new double[p.rows() * p.columns()];
      double[] row = new double[p.columns()];
      for (int i = 0; i < p.rows(); i++) {
        p.read(i, row);
        System.arraycopy(row, 0, all, i * row.length, row.length);
      }
      return all;
    }

    @Override
    public void close() {
      optimizer.close();
      owner.close();
      engine.close();
    }
  }

  private interface RowTarget {
    void write(int row, double[] numbers);
  }

  private static double[] fill(Parameter p, Random random, RowTarget to) {
    double[] all = new double[p.rows() * p.columns()];
    Arrays.setAll(all, i -> (float) random.nextGaussian());
    for (int i = 0; i < p.rows(); i++) {
      to.write(i, Arrays.copyOfRange(all, i * p.columns(), (i + 1) * p.columns()));
    }
    return all;
  }

  /** A matrix (rows,columns) and its momentum, by the formulas. */
  private static final class Plain {
    final int rows;
    final int columns;
    final double[] w;
    final double[] m;

    Plain(Parameter parameter, double[] w) {
      rows = parameter.rows();
      columns = parameter.columns();
      this.w = w;
      m = new double[w.length];
    }

    void step(double[] g) {
      double[] u = new double[w.length];
      double squares = 0;
      for (int i = 0; i < w.length; i++) {
        m[i] = 0.95 * m[i] + SCALE * g[i];
        u[i] = SCALE * g[i] + 0.95 * m[i];
        squares += u[i] * u[i];
      }
      double[] x = new double[w.length];
      for (int i = 0; i < w.length; i++) {
        x[i] = u[i] / Math.sqrt(squares);
      }
      for (int step = 0; step < 5; step++) {
        // The longer way round where there are more rows than columns; the same polynomial.
        double[] a = gram(x, rows, columns);
        double[] ax = product(a, x, rows, rows, columns);
        double[] aax = product(a, ax, rows, rows, columns);
        for (int i = 0; i < x.length; i++) {
          x[i] = 3.4445 * x[i] - 4.7750 * ax[i] + 2.0315 * aax[i];
        }
      }
      for (int i = 0; i < w.length; i++) {
        w[i] -= RATE * (DECAY * w[i] + 0.2 * Math.sqrt(Math.max(rows, columns)) * x[i]);
      }
    }
  }

  /** x·xᵀ. */
  private static double[] gram(double[] x, int rows, int columns) {
    double[] a = new double[rows * rows];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < rows; j++) {
        for (int k = 0; k < columns; k++) {
          a[i * rows + j] += x[i * columns + k] * x[j * columns + k];
        }
      }
    }
    return a;
  }

  private static double[] product(double[] a, double[] b, int rows, int inner, int columns) {
    double[] c = new double[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < inner; k++) {
        for (int j = 0; j < columns; j++) {
          c[i * columns + j] += a[i * inner + k] * b[k * columns + j];
        }
      }
    }
    return c;
  }

  @ParameterizedTest
  @CsvSource({"FLOAT64,1", "FLOAT64,3", "FLOAT32,1", "FLOAT32,5"})
  void stepsAreThoseOfTheFormula(ElementType type, int lanes) {
    double close = type == ElementType.FLOAT64 ? CLOSE_64 : CLOSE_32;
    try (Case muon = new Case(type, lanes, WEIGHTS, true);
        Case adam = new Case(type, lanes, WEIGHTS, false)) {
      List<Plain> plain = new ArrayList<>();
      for (int i = 0; i < WEIGHTS.size(); i++) {
        plain.add(new Plain(muon.parameters.get(i), muon.values(i)));
      }
      for (int step = 0; step < STEPS; step++) {
        double[][] gradients = muon.step();
        adam.step();
        for (int i = 0; i < WEIGHTS.size(); i++) {
          plain.get(i).step(gradients[i]);
        }
      }
      for (int i = 0; i < WEIGHTS.size(); i++) {
        if (hidden(muon.parameters.get(i))) {
          assertClose(WEIGHTS.get(i).name(), muon.values(i), plain.get(i).w, close);
          assertThat(muon.optimizer.reports().get(i).ratio()).isNaN();
        } else {
          assertThat(muon.values(i)).as("AdamW's").isEqualTo(adam.values(i));
          assertThat(muon.optimizer.reports().get(i).ratio())
              .isEqualTo(adam.optimizer.reports().get(i).ratio());
        }
        assertThat(muon.optimizer.reports().get(i).name()).isEqualTo(WEIGHTS.get(i).name());
        assertThat(muon.optimizer.reports().get(i).gradientNorm())
            .isEqualTo(adam.optimizer.reports().get(i).gradientNorm());
      }
    }
  }

  private static void assertClose(String what, double[] got, double[] expected, double close) {
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < got.length; i++) {
      assertThat(got[i]).as("%s, %d", what, i).isCloseTo(expected[i], within(close * largest));
    }
  }

  /**
   * The polynomial brings what is not tiny between its least value there, 0.6819 at 1.0501, and its
   * largest, 1.2024 at 0.5545, and no nearer to 1.
   */
  @ParameterizedTest
  @CsvSource({"FLOAT64,32,64", "FLOAT64,96,24", "FLOAT32,96,24", "FLOAT32,32,200"})
  void singularValuesOfUpdatesAreAboutOne(ElementType type, int rows, int columns) {
    try (Case one = new Case(type, 2, List.of(WeightSpec.matrix("one", rows, columns)), true)) {
      double[] before = one.values(0);
      one.step();
      double[] after = one.values(0);
      double[] update = new double[after.length];
      double factor = RATE * 0.2 * Math.sqrt(Math.max(rows, columns));
      Arrays.setAll(update, i -> (before[i] * (1 - RATE * DECAY) - after[i]) / factor);
      double[] shorter = rows <= columns ? update : transposed(update, rows, columns);
      int n = Math.min(rows, columns);
      double[] values = eigenvalues(gram(shorter, n, Math.max(rows, columns)), n);
      assertThat(Arrays.stream(values).map(Math::sqrt)).allMatch(s -> s > 0.681 && s < 1.203);
    }
  }

  private static double[] transposed(double[] x, int rows, int columns) {
    double[] t = new double[x.length];
    Arrays.setAll(t, i -> x[i % rows * columns + i / rows]);
    return t;
  }

  /** Jacobi's rotations of a symmetric matrix, until what is beside the diagonal is nothing. */
  private static double[] eigenvalues(double[] a, int n) {
    for (int sweep = 0; sweep < 30; sweep++) {
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          double angle = 0.5 * Math.atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
          double c = Math.cos(angle);
          double s = Math.sin(angle);
          for (int k = 0; k < n; k++) {
            double x = a[k * n + p];
            double y = a[k * n + q];
            a[k * n + p] = c * x - s * y;
            a[k * n + q] = s * x + c * y;
          }
          for (int k = 0; k < n; k++) {
            double x = a[p * n + k];
            double y = a[q * n + k];
            a[p * n + k] = c * x - s * y;
            a[q * n + k] = s * x + c * y;
          }
        }
      }
    }
    double[] values = new double[n];
    Arrays.setAll(values, i -> a[i * n + i]);
    double beside = Arrays.stream(a).map(Math::abs).sum() - Arrays.stream(values).sum();
    assertThat(beside).as("left beside the diagonal").isCloseTo(0, within(1e-9));
    return values;
  }

  /** Of four matrices the last two share a group. */
  @Test
  void neitherLanesNorGroupsChangeBits() {
    List<WeightSpec> weights =
        List.of(
            WeightSpec.matrix("a", 1024, 400),
            WeightSpec.matrix("b", 400, 1024),
            WeightSpec.matrix("c", 1000, 300),
            WeightSpec.matrix("d", 131, 67));
    List<double[]> alone = new ArrayList<>();
    try (Case one = new Case(ElementType.FLOAT32, 1, weights, true)) {
      one.step();
      one.step();
      for (int i = 0; i < weights.size(); i++) {
        alone.add(one.values(i));
      }
    }
    for (int lanes : new int[] {2, 16}) {
      try (Case many = new Case(ElementType.FLOAT32, lanes, weights, true)) {
        many.step();
        many.step();
        for (int i = 0; i < weights.size(); i++) {
          assertThat(many.values(i)).as("%d lanes", lanes).isEqualTo(alone.get(i));
        }
      }
    }
    // The first matrix has the first gradients, whoever follows.
    List<WeightSpec> first = weights.subList(0, 1);
    try (Case one = new Case(ElementType.FLOAT32, 1, first, true);
        Case all = new Case(ElementType.FLOAT32, 1, weights, true)) {
      one.step();
      all.step();
      assertThat(one.values(0)).isEqualTo(all.values(0));
    }
  }

  @Test
  void momentaGoOnWithARun() {
    try (Case whole = new Case(ElementType.FLOAT32, 1, WEIGHTS, true);
        Case later = new Case(ElementType.FLOAT32, 2, WEIGHTS, true)) {
      whole.step();
      copy(whole.optimizer.moments(), later.optimizer.moments());
      copy(whole.parameters, later.parameters);
      later.count = whole.count;
      later.random.setSeed(3);
      whole.random.setSeed(3);
      whole.step();
      later.step();
      for (int i = 0; i < WEIGHTS.size(); i++) {
        assertThat(later.values(i)).isEqualTo(whole.values(i));
      }
      assertThat(whole.optimizer.moments().stream().map(TrainedTensor::name))
          .containsExactly(
              "wide.momentum",
              "tall.momentum",
              "column.momentum",
              "embedding.mean",
              "embedding.square",
              "norm.mean",
              "norm.square");
    }
  }

  private static void copy(List<? extends TrainedTensor> from, List<? extends TrainedTensor> to) {
    for (int i = 0; i < from.size(); i++) {
      double[] row = new double[from.get(i).columns()];
      for (int j = 0; j < from.get(i).rows(); j++) {
        from.get(i).read(j, row);
        to.get(i).write(j, row);
      }
    }
  }

  @Test
  void whatIsDiscardedChangesNothing() {
    try (Case some = new Case(ElementType.FLOAT32, 2, WEIGHTS, true);
        Case none = new Case(ElementType.FLOAT32, 2, WEIGHTS, true)) {
      double[] nan = new double[70];
      Arrays.fill(nan, Double.NaN);
      some.parameters.get(1).gradient().asRows(24, 70).writeWide(0, 3, 0, nan);
      assertThat(some.optimizer.gradientNorm()).isNaN();
      some.optimizer.discard();
      some.step();
      none.step();
      for (int i = 0; i < WEIGHTS.size(); i++) {
        assertThat(some.values(i)).isEqualTo(none.values(i));
      }
    }
  }

  /** A layer that nothing has reached stays but for its decay. */
  @Test
  void gradientsOfNothingGiveUpdatesOfNothing() {
    try (Case one =
        new Case(ElementType.FLOAT32, 1, List.of(WeightSpec.matrix("one", 4, 7)), true)) {
      double[] before = one.values(0);
      one.optimizer.gradientNorm();
      one.optimizer.step(new OptimizerStep(OPTIONS.withWeightDecay(0, false), RATE, 1, 1), false);
      assertThat(one.values(0)).isEqualTo(before);
    }
  }
}
