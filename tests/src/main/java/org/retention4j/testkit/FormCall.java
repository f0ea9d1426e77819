package org.retention4j.testkit;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.reference.ReferenceRetention;

/**
 * What a form is asked to do.
 *
 * @param q (B,T,H,K), T may be 0, any strides
 * @param k (B,T,H_kv,K), H_kv divides H
 * @param v (B,T,H_kv,V)
 * @param decay one constant per head (H), or (B,T,H)
 * @param scale finite factor between q S and o
 * @param state S_0 (B,H,K,V), not to be modified
 * @param lengths (B) tokens of each row, 0…T
 * @param resets where sequences begin inside the rows
 * @since 0.1
 */
public record FormCall(
    INDArray q,
    INDArray k,
    INDArray v,
    LogDecay decay,
    double scale,
    INDArray state,
    int[] lengths,
    Resets resets) {

  /** Returns a call on all T tokens of every row. */
  public static FormCall of(
      INDArray q, INDArray k, INDArray v, LogDecay decay, double scale, INDArray state) {
    int[] lengths = new int[(int) q.size(0)];
    Arrays.fill(lengths, (int) q.size(1));
    return new FormCall(q, k, v, decay, scale, state, lengths, Resets.none());
  }

  /** Returns this call, without its state, as the library's own core takes it. */
  public RetentionCall call() {
    return new RetentionCall(q, k, v, decay, scale, lengths, resets);
  }

  /** Returns what the plain float64 reference makes of this call. */
  public FormResult reference() {
    ReferenceRetention.Result result = ReferenceRetention.advance(call(), state);
    return new FormResult(result.output(), result.state());
  }

  /** Returns this call from another state. */
  public FormCall withState(INDArray other) {
    return new FormCall(q, k, v, decay, scale, other, lengths, resets);
  }

  /** Returns this call with other lengths. */
  public FormCall withLengths(int... other) {
    return new FormCall(q, k, v, decay, scale, state, other, resets);
  }

  /** Returns this call with other resets. */
  public FormCall withResets(Resets other) {
    return new FormCall(q, k, v, decay, scale, state, lengths, other);
  }

  /** Returns this call with another log decay. */
  public FormCall withDecay(LogDecay other) {
    return new FormCall(q, k, v, other, scale, state, lengths, resets);
  }

  /** Returns this call with another scale. */
  public FormCall withScale(double other) {
    return new FormCall(q, k, v, decay, other, state, lengths, resets);
  }

  /** Returns this call with other queries. */
  public FormCall withQ(INDArray other) {
    return new FormCall(other, k, v, decay, scale, state, lengths, resets);
  }

  /** Returns this call with other keys. */
  public FormCall withK(INDArray other) {
    return new FormCall(q, other, v, decay, scale, state, lengths, resets);
  }

  /** Returns this call with other values. */
  public FormCall withV(INDArray other) {
    return new FormCall(q, k, other, decay, scale, state, lengths, resets);
  }

  /** Returns tokens {@code from} to {@code to}, exclusive, from the same state. */
  public FormCall tokens(int from, int to) {
    int[] part = lengths.clone();
    for (int b = 0; b < part.length; b++) {
      part[b] = Math.max(0, Math.min(lengths[b], to) - from);
    }
    LogDecay cut =
        decay instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.tokens(g.values(), from, to))
            : decay;
    return new FormCall(
        Tensors.tokens(q, from, to),
        Tensors.tokens(k, from, to),
        Tensors.tokens(v, from, to),
        cut,
        scale,
        state,
        part,
        resets.tokens(from, to));
  }

  /** Returns one row of the batch alone. */
  public FormCall row(int b) {
    LogDecay cut =
        decay instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.rows(g.values(), b, b + 1))
            : decay;
    return new FormCall(
        Tensors.rows(q, b, b + 1),
        Tensors.rows(k, b, b + 1),
        Tensors.rows(v, b, b + 1),
        cut,
        scale,
        Tensors.rows(state, b, b + 1),
        new int[] {lengths[b]},
        resets.row(b));
  }

  /** Returns T. */
  public int tokens() {
    return (int) q.size(1);
  }

  /** Returns whether the log decay is constant per head. */
  public boolean constantDecay() {
    return decay instanceof LogDecay.PerHead;
  }
}
