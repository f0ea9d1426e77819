package org.retention4j.internal.float32;

import org.retention4j.engine.ops.Activation;
import org.retention4j.internal.memory.GrowableFloats;

/** Activations of rows and their slopes. An instance belongs to one lane. */
final class Activations {
  private final Kernels kernels;
  private final RowKernels rows;
  private final GrowableFloats values = new GrowableFloats();
  private final GrowableFloats slopes = new GrowableFloats();

  Activations(Kernels kernels) {
    this.kernels = kernels;
    rows = kernels.rows();
  }

  /** Returns f(x). */
  float[] values(Activation f, float[] x, int n) {
    float[] value = values.atLeast(n);
    switch (f) {
      case SILU -> rows.silu(x, value, n);
      case SIGMOID -> kernels.sigmoid(x, value, n);
      default -> {
        for (int i = 0; i < n; i++) {
          value[i] = (float) f.at(x[i]);
        }
      }
    }
    return value;
  }

  /** Leaves f(x) in {@link #values(int)} and f'(x) in {@link #slopes}. */
  void evaluate(Activation f, float[] x, int n) {
    float[] value = values.atLeast(n);
    float[] slope = slopes.atLeast(n);
    switch (f) {
      case SILU -> rows.silu(x, value, slope, n);
      case SIGMOID -> {
        kernels.sigmoid(x, value, n);
        for (int i = 0; i < n; i++) {
          slope[i] = value[i] * (1 - value[i]);
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          value[i] = (float) f.at(x[i]);
          slope[i] = (float) f.slope(x[i]);
        }
      }
    }
  }

  /** Returns the n values that {@link #evaluate} left. */
  float[] values(int n) {
    return values.atLeast(n);
  }

  /** Returns the n slopes that {@link #evaluate} left. */
  float[] slopes(int n) {
    return slopes.atLeast(n);
  }
}
