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
import org.retention4j.train.tensor.TensorReport;

/** AdamW against the same written down plainly, one number after the other. */
class AdamWTest {
  /** Some ten roundings a step, few steps. */
  private static final double CLOSE_64 = 1e-13;

  private static final double CLOSE_32 = 2e-6;
  private static final int STEPS = 5;
  private static final double RATE = 0.01;
  private static final double DECAY = 0.3;

  private static final List<WeightSpec> WEIGHTS =
      List.of(
          WeightSpec.matrix("wide", 3, 20_000), // a row is more than a part
          WeightSpec.matrix("tall", 700, 63),
          WeightSpec.norm("norm", 65),
          WeightSpec.matrix("one", 1, 1));

  /** What the oracle keeps of a parameter. */
  private static final class Plain {
    final double[] w;
    final double[] g;
    final double[] m;
    final double[] v;
    final boolean decayed;
    double ratio;

    Plain(WeightSpec spec) {
      int n = (int) spec.elements();
      w = new double[n];
      g = new double[n];
      m = new double[n];
      v = new double[n];
      decayed = spec.isMatrix();
    }

    void step(OptimizerStep step) {
      double sum = 0;
      for (int i = 0; i < w.length; i++) {
        double x = g[i] * step.scale();
        m[i] = step.beta1() * m[i] + (1 - step.beta1()) * x;
        v[i] = step.beta2() * v[i] + (1 - step.beta2()) * x * x;
        sum += x * x / (v[i] / (1 - Math.pow(step.beta2(), step.count())));
      }
      ratio = Math.sqrt(sum / w.length);
      double rate = step.options().clipUpdates() ? step.rate() / Math.max(1, ratio) : step.rate();
      for (int i = 0; i < w.length; i++) {
        double mean = m[i] / (1 - Math.pow(step.beta1(), step.count()));
        double square = v[i] / (1 - Math.pow(step.beta2(), step.count()));
        double keep = decayed ? 1 - rate * step.options().weightDecay() : 1;
        w[i] = keep * w[i] - rate * mean / (Math.sqrt(square) + step.epsilon());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"FLOAT64,1,false", "FLOAT64,3,true", "FLOAT32,1,true", "FLOAT32,5,false"})
  void stepsAreThoseOfTheFormula(ElementType type, int lanes, boolean clipUpdates) {
    double close = type == ElementType.FLOAT64 ? CLOSE_64 : CLOSE_32;
    try (Engine engine = Engine.create(type, lanes, ComputeRoute.PLAIN);
        Buffers owner = engine.newBuffers()) {
      List<Parameter> parameters = new ArrayList<>();
      List<Plain> plain = new ArrayList<>();
      WEIGHTS.forEach(
          w -> {
            parameters.add(Parameter.of(engine, owner, w.name(), w));
            plain.add(new Plain(w));
          });
      AdamW adam = new AdamW(engine, owner, parameters, Parameter::isMatrix);
      OptimizerOptions options =
          OptimizerOptions.DEFAULT.withWeightDecay(DECAY, false).withClipUpdates(clipUpdates);
      Random random = new Random(7);
      for (int step = 1; step <= STEPS; step++) {
        double size = step == STEPS ? 30 : 1; // a burst
        double squares = 0;
        for (int i = 0; i < plain.size(); i++) {
          squares += fill(parameters.get(i), plain.get(i), random, size);
        }
        assertThat(adam.gradientNorm())
            .isCloseTo(Math.sqrt(squares), within(close * Math.sqrt(squares)));
        OptimizerStep next = new OptimizerStep(options, RATE, 0.5, step);
        adam.step(next, true);
        plain.forEach(p -> p.step(next));
        List<TensorReport> reports = adam.reports();
        for (int i = 0; i < plain.size(); i++) {
          assertThat(reports.get(i).ratio())
              .isCloseTo(plain.get(i).ratio, within(1e-5 * plain.get(i).ratio));
        }
      }
      assertThat(adam.reports().get(1).ratio()).as("the burst is seen").isGreaterThan(2);
      for (int i = 0; i < plain.size(); i++) {
        compare(parameters.get(i), plain.get(i), close);
      }
    }
  }

  private static double fill(Parameter parameter, Plain plain, Random random, double size) {
    double squares = 0;
    for (int i = 0; i < plain.g.length; i++) {
      plain.g[i] = (float) (size * random.nextGaussian());
      squares += plain.g[i] * plain.g[i];
    }
    if (!parameter.isMatrix()) {
      assertThat(parameter.vectorGradient()).containsOnly(0);
      System.arraycopy(plain.g, 0, parameter.vectorGradient(), 0, plain.g.length);
      return squares;
    }
    int columns = parameter.columns();
    RowView rows = parameter.gradient().asRows(parameter.rows(), columns);
    for (int row = 0; row < parameter.rows(); row++) {
      assertThat(rows.get(0, row, 0, columns - 1)).as("cleared").isZero();
      rows.writeWide(0, row, 0, Arrays.copyOfRange(plain.g, row * columns, (row + 1) * columns));
    }
    return squares;
  }

  private static void compare(Parameter parameter, Plain plain, double close) {
    double[] row = new double[parameter.columns()];
    double largest = Arrays.stream(plain.w).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < parameter.rows(); i++) {
      parameter.read(i, row);
      for (int j = 0; j < row.length; j++) {
        assertThat(row[j])
            .as("%s (%d,%d)", parameter.name(), i, j)
            .isCloseTo(plain.w[i * row.length + j], within(close * largest));
      }
    }
  }

  @Test
  void stepsThatAreNotObservedTellNoRatios() {
    try (Engine engine = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
        Buffers owner = engine.newBuffers()) {
      Parameter one = Parameter.of(engine, owner, "one", WeightSpec.matrix("one", 1, 1));
      AdamW adam = new AdamW(engine, owner, List.of(one), p -> false);
      adam.gradientNorm();
      adam.step(new OptimizerStep(OptimizerOptions.DEFAULT, RATE, 1, 1), false);
      assertThat(adam.reports().get(0).ratio()).isNaN();
    }
  }
}
