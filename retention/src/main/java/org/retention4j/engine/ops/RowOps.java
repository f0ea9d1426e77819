package org.retention4j.engine.ops;

/**
 * Arithmetic on single rows (batch, token, head) of views, in place or from one to another.
 *
 * @since 0.1
 */
public interface RowOps {
  /**
   * Rotates row (batch, token, head) in place and multiplies it by {@code factor}.
   *
   * @param interleaved pairs (2i,2i+1) instead of (i, i+K/2)
   * @param angles K/2 of this engine's type
   */
  void rotate(
      RowView x,
      int batch,
      long token,
      int head,
      boolean interleaved,
      Angles angles,
      double factor);

  /**
   * The same for all heads of n rows (0, token … token+n−1, 0) in which the channels of one head
   * stand behind those of the other; out may be x.
   *
   * @param heads which divide the row's width
   * @param channels the first ones of each head, which turn
   * @param angles those of each row
   */
  void rotateHeads(
      RowView x,
      int heads,
      int channels,
      long token,
      int n,
      boolean interleaved,
      Angles[] angles,
      double factor,
      RowView out);

  /** x[batch, token, head, :] ← factor·x[batch, token, head, :]. */
  void scale(RowView x, int batch, long token, int head, double factor);

  /** x[batch, token, head, :] ← f(x[batch, token, head, :]), element by element. */
  void activate(RowView x, Activation f, int batch, long token, int head);

  /** x[batch, token, head, :] ← x[batch, token, head, :] less its mean. */
  void center(RowView x, int batch, long token, int head);

  /**
   * out ← weight ⊙ (factor·x) / √(mean((factor·x)²) + eps), the RMS norm of one row.
   *
   * @param weight (W), or empty for none
   */
  void rmsNorm(
      RowView x,
      double factor,
      double[] weight,
      double eps,
      RowView out,
      int batch,
      long token,
      int head);

  /** The same for the rows of tokens token … token+n−1. */
  default void rmsNorm(
      RowView x,
      double factor,
      double[] weight,
      double eps,
      RowView out,
      int batch,
      long token,
      int n,
      int head) {
    for (int i = 0; i < n; i++) {
      rmsNorm(x, factor, weight, eps, out, batch, token + i, head);
    }
  }

  /**
   * out ← gate ⊙ weight ⊙ (factor·x) / √(mean((factor·x)²) + eps), with a row of a gate.
   *
   * @param weight (W), or empty for none
   */
  void gatedRmsNorm(
      RowView x,
      double factor,
      double[] weight,
      double eps,
      RowView gate,
      RowView out,
      int batch,
      long token,
      int head);

  /** a ← a ⊙ b for one row. */
  void multiply(RowView a, RowView b, int batch, long token, int head);

  /** a ← a + b for one row. */
  void add(RowView a, RowView b, int batch, long token, int head);

  /** out ← a + b for the rows of tokens token … token+n−1; out may be a. */
  default void add(RowView a, RowView b, RowView out, int batch, long token, int n, int head) {
    for (long t = token; t < token + n; t++) {
      if (a != out) {
        copy(a, batch, t, head, out, batch, t, head);
      }
      add(out, b, batch, t, head);
    }
  }

  /** a ← a + b for one row. */
  void add(RowView a, double[] b, int batch, long token, int head);

  /** out[batch, token, 0, :] ← factor·row of a table. */
  void embed(RowTable table, int row, double factor, RowView out, int batch, long token);

  /** out[outBatch, outToken, outHead, :] ← x[batch, token, head, :]. */
  void copy(
      RowView x,
      int batch,
      long token,
      int head,
      RowView out,
      int outBatch,
      long outToken,
      int outHead);

  /** out[batch, token+i, head, :] ← 0 for i &lt; n. */
  void clear(RowView out, int batch, long token, int head, int n);
}
