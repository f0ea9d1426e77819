package org.retention4j.train.optimizer;

import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowView;
import org.retention4j.train.pass.Parameter;

/** The arithmetic of an optimizer on rows, in the engine's type; belongs to one lane. */
abstract class Arithmetic {
  /** For vectors. */
  private final double[] value;

  private final double[] mean;
  private final double[] square;

  private Arithmetic(int width) {
    value = new double[width];
    mean = new double[width];
    square = new double[width];
  }

  static Arithmetic of(ElementType type, int width) {
    return type == ElementType.FLOAT32 ? new Narrow(width) : new Wide(width);
  }

  abstract double sumOfSquares(RowView g, int row);

  /** Returns Σ g²/v̂ over a row, with v̂ as the step will make it. */
  abstract double sumOfRatios(RowView g, RowView v, int row, OptimizerStep step);

  /** Returns the same of a vector. */
  final double sumOfRatios(double[] gradient, RowView v, OptimizerStep step) {
    double[] square = new double[gradient.length];
    v.readWide(0, 0, 0, square);
    return sumOfRatios(gradient, square, step);
  }

  private static double sumOfRatios(double[] g, double[] v, OptimizerStep step) {
    double c2 = step.squareCorrection();
    double least = step.epsilon() * step.epsilon();
    double sum = 0;
    for (int i = 0; i < g.length; i++) {
      double square = step.scale() * g[i] * step.scale() * g[i];
      double next = c2 * (step.beta2() * v[i] + (1 - step.beta2()) * square);
      sum += square / Math.max(next, least);
    }
    return sum;
  }

  /**
   * Takes a step with one row and clears its gradient.
   *
   * @param rate of this tensor
   * @param decay what is taken from the weights, of them
   */
  abstract void update(
      RowView w,
      RowView g,
      RowView m,
      RowView v,
      int row,
      OptimizerStep step,
      double rate,
      double decay);

  /** Takes a step with a vector and clears its gradient; it becomes another array. */
  final void updateVector(
      Parameter parameter, RowView m, RowView v, OptimizerStep step, double rate, double decay) {
    double[] gradient = parameter.vectorGradient();
    int n = gradient.length;
    System.arraycopy(parameter.vector(), 0, value, 0, n);
    m.readWide(0, 0, 0, mean);
    v.readWide(0, 0, 0, square);
    update(n, value, gradient, mean, square, step, rate, decay);
    m.writeWide(0, 0, 0, mean);
    v.writeWide(0, 0, 0, square);
    parameter.write(0, value);
    java.util.Arrays.fill(gradient, 0);
  }

  private static void update(
      int n,
      double[] w,
      double[] g,
      double[] m,
      double[] v,
      OptimizerStep step,
      double rate,
      double decay) {
    double c1 = step.meanCorrection();
    double c2 = step.squareCorrection();
    for (int i = 0; i < n; i++) {
      double gradient = step.scale() * g[i];
      m[i] = step.beta1() * m[i] + (1 - step.beta1()) * gradient;
      v[i] = step.beta2() * v[i] + (1 - step.beta2()) * gradient * gradient;
      w[i] -= decay * w[i] + rate * c1 * m[i] / (Math.sqrt(c2 * v[i]) + step.epsilon());
    }
  }

  /** In float64. */
  private static final class Wide extends Arithmetic {
    private final double[][] rows;
    private final int width;

    Wide(int width) {
      super(width);
      this.width = width;
      rows = new double[4][];
    }

    private double[] row(int i, int n) {
      if (rows[i] == null || rows[i].length != n) {
        rows[i] = new double[n];
      }
      return rows[i];
    }

    @Override
    double sumOfSquares(RowView g, int row) {
      double[] x = row(0, g.width());
      g.read(0, row, 0, x);
      double sum = 0;
      for (double value : x) {
        sum += value * value;
      }
      return sum;
    }

    @Override
    double sumOfRatios(RowView g, RowView v, int row, OptimizerStep step) {
      double[] x = row(0, g.width());
      double[] square = row(1, g.width());
      g.read(0, row, 0, x);
      v.read(0, row, 0, square);
      return Arithmetic.sumOfRatios(x, square, step);
    }

    @Override
    void update(
        RowView w,
        RowView g,
        RowView m,
        RowView v,
        int row,
        OptimizerStep step,
        double rate,
        double decay) {
      int n = Math.min(w.width(), width);
      RowView[] views = {w, g, m, v};
      for (int i = 0; i < views.length; i++) {
        views[i].read(0, row, 0, row(i, n));
      }
      Arithmetic.update(n, rows[0], rows[1], rows[2], rows[3], step, rate, decay);
      java.util.Arrays.fill(rows[1], 0);
      for (int i = 0; i < views.length; i++) {
        views[i].write(0, row, 0, rows[i]);
      }
    }
  }

  /** In fp32, as loops that the compiler makes vectors of. */
  private static final class Narrow extends Arithmetic {
    private final float[] weights;
    private final float[] gradients;
    private final float[] means;
    private final float[] squares;

    Narrow(int width) {
      super(width);
      weights = new float[width];
      gradients = new float[width];
      means = new float[width];
      squares = new float[width];
    }

    @Override
    double sumOfSquares(RowView g, int row) {
      g.read(0, row, 0, gradients);
      double s0 = 0;
      double s1 = 0;
      double s2 = 0;
      double s3 = 0;
      int n = g.width();
      int i = 0;
      for (; i + 4 <= n; i += 4) {
        s0 += (double) gradients[i] * gradients[i];
        s1 += (double) gradients[i + 1] * gradients[i + 1];
        s2 += (double) gradients[i + 2] * gradients[i + 2];
        s3 += (double) gradients[i + 3] * gradients[i + 3];
      }
      for (; i < n; i++) {
        s0 += (double) gradients[i] * gradients[i];
      }
      return (s0 + s1) + (s2 + s3);
    }

    @Override
    double sumOfRatios(RowView g, RowView v, int row, OptimizerStep step) {
      g.read(0, row, 0, gradients);
      v.read(0, row, 0, squares);
      double c2 = step.squareCorrection();
      double least = step.epsilon() * step.epsilon();
      double scale = step.scale();
      double sum = 0;
      for (int i = 0; i < g.width(); i++) {
        double square = scale * gradients[i] * scale * gradients[i];
        double next = c2 * (step.beta2() * squares[i] + (1 - step.beta2()) * square);
        sum += square / Math.max(next, least);
      }
      return sum;
    }

    @Override
    void update(
        RowView w,
        RowView g,
        RowView m,
        RowView v,
        int row,
        OptimizerStep step,
        double rate,
        double decay) {
      int n = w.width();
      w.read(0, row, 0, weights);
      g.read(0, row, 0, gradients);
      m.read(0, row, 0, means);
      v.read(0, row, 0, squares);
      moments(n, (float) step.scale(), (float) step.beta1(), (float) step.beta2());
      weights(n, step, (float) (rate * step.meanCorrection()), (float) (1 - decay));
      java.util.Arrays.fill(gradients, 0, n, 0f);
      w.write(0, row, 0, weights);
      g.write(0, row, 0, gradients);
      m.write(0, row, 0, means);
      v.write(0, row, 0, squares);
    }

    private void moments(int n, float scale, float beta1, float beta2) {
      float rest1 = 1 - beta1;
      float rest2 = 1 - beta2;
      for (int i = 0; i < n; i++) {
        float x = scale * gradients[i];
        means[i] = beta1 * means[i] + rest1 * x;
        squares[i] = beta2 * squares[i] + rest2 * (x * x);
      }
    }

    private void weights(int n, OptimizerStep step, float rate, float keep) {
      float c2 = (float) step.squareCorrection();
      float epsilon = (float) step.epsilon();
      for (int i = 0; i < n; i++) {
        float root = (float) Math.sqrt(c2 * squares[i]);
        weights[i] = keep * weights[i] - rate * (means[i] / (root + epsilon));
      }
    }
  }
}
