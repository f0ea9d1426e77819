package org.retention4j.engine.ops;

/**
 * Arithmetic of the way back, on rows (batch, token … token+n−1, head) of views or on tiles.
 * Gradients of weights, which are sums over many rows, are kept in double by the caller.
 *
 * @since 0.1
 */
public interface GradientOps {
  /** out ← f(x). */
  void activate(RowView x, Activation f, RowView out, int batch, long token, int n, int head);

  /** dy ← dy ⊙ f'(x): the gradient of f(x) becomes that of x. */
  void activateBack(RowView x, Activation f, RowView dy, int batch, long token, int n, int head);

  /** out ← f(gate) ⊙ x; out may be x. */
  void gate(
      RowView gate, Activation f, RowView x, RowView out, int batch, long token, int n, int head);

  /**
   * dGate ← dy ⊙ x ⊙ f'(gate), dx ← dy ⊙ f(gate), of y = f(gate) ⊙ x, which is computed again.
   *
   * @param y receives it
   * @param dGate may be dy, or gate
   * @param dx may be x, or dy
   */
  void gateBack(
      RowView gate,
      Activation f,
      RowView x,
      RowView y,
      RowView dy,
      RowView dGate,
      RowView dx,
      int batch,
      long token,
      int n,
      int head);

  /**
   * The way back through y = weight ⊙ u / √(mean(u²) + eps) with u = factor·x, or factor·(x − mean
   * of x), for the rows of tokens token … token+n−1: dx ← its gradient, or dx ← dx + it.
   *
   * @param centered whether the mean is subtracted
   * @param weight (W), or empty for none
   * @param dx may be dy where nothing is added
   * @param add whether the gradient is added to what stands in dx
   * @param dWeight (W) or longer, from {@code at} on added Σ dy ⊙ u / √(mean(u²) + eps); empty for
   *     none
   */
  void normBack(
      RowView x,
      double factor,
      boolean centered,
      double[] weight,
      double eps,
      RowView dy,
      RowView dx,
      boolean add,
      double[] dWeight,
      int at,
      int batch,
      long token,
      int n,
      int head);

  /**
   * out ← f(gate) ⊙ weight ⊙ norm(x) for the rows of tokens token … token+n−1, where each of G
   * groups of a row is normed by itself: u / √(mean(u²) + eps) with u = factor·x.
   *
   * @param groups G, which divides the width W
   * @param factors (n·G), G for each row, or empty for 1
   * @param weight (W), (W/G) for all groups alike, or empty for none
   */
  void gatedNorms(
      RowView x,
      int groups,
      double[] factors,
      double[] weight,
      double eps,
      RowView gate,
      Activation f,
      RowView out,
      long token,
      int n);

  /**
   * The way back through {@link #gatedNorms}, whose result is computed again.
   *
   * @param y receives what it gave
   * @param dGate its gradient; may be dy
   * @param dx its gradient; may be dy where dGate is not
   * @param sums where the gradient of the weight is added, from 0 on; empty for none
   */
  void gatedNormsBack(
      RowView x,
      int groups,
      double[] factors,
      double[] weight,
      double eps,
      RowView gate,
      Activation f,
      RowView y,
      RowView dy,
      RowView dGate,
      RowView dx,
      double[] sums,
      long token,
      int n);

  /** sums[at+j] ← sums[at+j] + x[j]. */
  void addTo(RowView x, double[] sums, int at, int batch, long token, int head);

  /**
   * Takes the cross-entropy −log softmax(x)[target] of a row of logits, and its gradient: x ← scale
   * · (softmax(x) − one at target).
   *
   * @return the cross-entropy in nats
   */
  double crossEntropy(RowView x, int target, double scale, int batch, long token, int head);

  /** dp[i,:] ← p[i,:] ⊙ (dp[i,:] − ⟨p[i,:], dp[i,:]⟩) for i &lt; n: back through p = softmax. */
  void softmaxBack(Tile p, Tile dp, int n);
}
