package org.retention4j.internal.float32;

import org.retention4j.engine.ops.RowView;

/**
 * Copies rows from the heap to views of fp32 or, rounded on the way, of bf16. One user at a time.
 */
final class RowWriter {
  private final Kernels kernels;
  private short[] halves = new short[64];

  RowWriter(Kernels kernels) {
    this.kernels = kernels;
  }

  /** Copies {@code from[0..n·W)} to the rows of n tokens that follow each other. */
  void write(RowView out, int batch, long token, int head, int n, float[] from) {
    if (!out.bfloat16()) {
      out.write(batch, token, head, n, from);
      return;
    }
    int all = n * out.width();
    if (halves.length < all) {
      halves = new short[all];
    }
    kernels.narrow(from, 0, halves, all);
    out.write(batch, token, head, n, halves);
  }
}
