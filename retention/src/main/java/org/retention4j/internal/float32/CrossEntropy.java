package org.retention4j.internal.float32;

import org.retention4j.engine.ops.GradientOps;

/** The loss of a row of logits and its gradient, see {@link GradientOps#crossEntropy}. */
final class CrossEntropy {
  private final Kernels kernels;

  CrossEntropy(Kernels kernels) {
    this.kernels = kernels;
  }

  /** x ← scale · (softmax(x) − one at target) for n logits; returns the cross-entropy in nats. */
  double run(float[] x, int n, int target, double scale) {
    float max = kernels.rows().max(x, n);
    double own = (double) x[target] - max;
    kernels.expAndSum(x, max, n);
    double sum = sum(x, n);
    kernels.scale(x, n, (float) (scale / sum));
    x[target] -= (float) scale;
    return Math.log(sum) - own;
  }

  /** Four sums side by side, since each waits for its last. */
  private static double sum(float[] x, int n) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
      a += x[i];
      b += x[i + 1];
      c += x[i + 2];
      d += x[i + 3];
    }
    for (; i < n; i++) {
      a += x[i];
    }
    return (a + b) + (c + d);
  }
}
