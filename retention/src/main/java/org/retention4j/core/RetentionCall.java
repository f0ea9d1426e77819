package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;

/**
 * What the retention core is asked to do. Arrays have any strides, views included, and the engine's
 * element type; they are read at each step, not copied.
 *
 * @param q (B,T,H,K), T may be 0
 * @param k (B,T,H_kv,K), H_kv divides H
 * @param v (B,T,H_kv,V)
 * @param decay one constant per head (H), or one per token and head (B,T,H)
 * @param scale finite factor between q S and o
 * @param lengths (B) tokens of each row, 0…T; padded tokens are not read, do not touch the state
 *     and give 0
 * @param resets where sequences begin inside the rows; those before padded tokens have no effect
 * @since 0.1
 */
public record RetentionCall(
    INDArray q,
    INDArray k,
    INDArray v,
    LogDecay decay,
    double scale,
    int[] lengths,
    Resets resets) {
  /**
   * Checks what needs no state, and copies the lengths.
   *
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public RetentionCall {
    CoreChecks.checkArrays(q, k, v);
    Args.present("log decay", decay);
    Args.present("lengths", lengths);
    decay.checkShape(q.size(0), q.size(1), q.size(2));
    if (Double.isNaN(scale) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("expected a finite scale, got " + scale);
    }
    CoreChecks.checkLengths(lengths, q.size(0), q.size(1));
    Args.present("resets", resets);
    resets.checkShape(q.size(0), q.size(1));
    lengths = lengths.clone();
  }

  /** Returns a call with scale K^(−1/2) on all T tokens of every row. */
  public static RetentionCall of(INDArray q, INDArray k, INDArray v, LogDecay decay) {
    CoreChecks.checkArrays(q, k, v);
    int[] lengths = new int[Math.toIntExact(q.size(0))];
    Arrays.fill(lengths, Math.toIntExact(q.size(1)));
    return new RetentionCall(
        q, k, v, decay, 1 / Math.sqrt((double) q.size(3)), lengths, Resets.none());
  }

  /** Returns this call with another scale. */
  public RetentionCall withScale(double other) {
    return new RetentionCall(q, k, v, decay, other, lengths, resets);
  }

  /** Returns this call with other lengths. */
  public RetentionCall withLengths(int... other) {
    return new RetentionCall(q, k, v, decay, scale, other, resets);
  }

  /** Returns this call with other resets. */
  public RetentionCall withResets(Resets other) {
    return new RetentionCall(q, k, v, decay, scale, lengths, other);
  }

  @Override
  public int[] lengths() {
    return lengths.clone();
  }
}
