package org.retention4j.internal.linear.onednn;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * An activation after a product that could not carry it; the rows then go to their place. oneDNN
 * applies it well to dense rows only, so they are dense until then.
 */
public final class Epilogue {
  private final Fp32Tile dense;
  private final Fp32Tile to;
  private final Product activation;

  /**
   * Prepares to ← f(dense).
   *
   * @param dense {@code to} itself, or dense where {@link #needsDense}
   */
  public Epilogue(Arena arena, Fp32Tile dense, Fp32Tile to, Activation f) {
    this.dense = dense;
    this.to = to;
    activation =
        f == Activation.NONE
            ? null
            : OneDnn.activation(arena, OneDnn.Matrix.of(dense, false), OneDnn.postOp(f));
  }

  /** Returns whether the product must be written to dense rows first. */
  public static boolean needsDense(Fp32Tile to, Activation f) {
    return f != Activation.NONE && !to.dense();
  }

  /** Runs what follows the product. */
  public void run(LaneScratch scratch) {
    if (activation != null) {
      activation.run();
    }
    for (int i = 0; i < to.rows() && to != dense; i++) {
      scaleRow(scratch, dense, i, 1, to);
    }
  }

  /** Returns what is run after and including a product. */
  public String implementation(String product) {
    return activation == null ? product : product + "+" + activation.implementation();
  }

  /** to[i,:] ← factor·from[i,:]. */
  static void scaleRow(LaneScratch scratch, Fp32Tile from, int i, float factor, Fp32Tile to) {
    int n = from.columns();
    float[] x = scratch.row(n);
    from.read(i, x, n);
    if (factor != 1) {
      for (int j = 0; j < n; j++) {
        x[j] *= factor;
      }
    }
    to.write(i, x, n);
  }
}
