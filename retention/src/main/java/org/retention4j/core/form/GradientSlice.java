package org.retention4j.core.form;

import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;

/**
 * Where the gradients of one head of one sequence come from and go to, beside the {@link HeadSlice}
 * that says which head. A slice is moved from head to head; a form keeps none.
 *
 * @since 0.1
 */
public final class GradientSlice {
  private final RowView out;
  private final RowView q;
  private final RowView k;
  private final RowView v;
  private final Tape tape;
  private final double[] logDecay;
  private boolean wantsLogDecay = true;
  private HeadState state;

  /**
   * Makes a slice of no head.
   *
   * @param out gradient of the outputs (B,T,H,V)
   * @param q receives that of the queries (B,T,H,K)
   * @param k is added that of the keys (B,T,H_kv,K): heads may share them
   * @param v is added that of the values (B,T,H_kv,V)
   * @param tokens T
   * @param tape keeps what a form needs again on its way back
   */
  public GradientSlice(RowView out, RowView q, RowView k, RowView v, int tokens, Tape tape) {
    this.out = out;
    this.q = q;
    this.k = k;
    this.v = v;
    this.tape = tape;
    logDecay = new double[tokens];
  }

  /** Asks for no gradients of log decays, as where decays are constant; returns this. */
  public GradientSlice withoutLogDecay() {
    wantsLogDecay = false;
    return this;
  }

  /**
   * Moves to a head; returns this.
   *
   * @param newState holds the gradient of the outgoing state, and receives that of the incoming one
   */
  public GradientSlice at(HeadState newState) {
    state = newState;
    return this;
  }

  /** Returns the gradient of the outputs (B,T,H,V). */
  public RowView out() {
    return out;
  }

  /** Returns where the gradient of the queries (B,T,H,K) is written. */
  public RowView q() {
    return q;
  }

  /** Returns what the gradient of the keys (B,T,H_kv,K) is added to. */
  public RowView k() {
    return k;
  }

  /** Returns what the gradient of the values (B,T,H_kv,V) is added to. */
  public RowView v() {
    return v;
  }

  /** Returns the gradient of the state: on entry of the outgoing one, then of the incoming one. */
  public HeadState state() {
    return state;
  }

  /** Returns whether somebody asks for the gradients of the log decays. */
  public boolean wantsLogDecay() {
    return wantsLogDecay;
  }

  /**
   * Returns where the gradients of the tokens' log decays are written, from 0 on; 0 at resets.
   * Nobody reads it unless {@link #wantsLogDecay()}.
   */
  public double[] logDecay() {
    return logDecay;
  }

  /** Returns what may be written on the way forth and read on the way back. */
  public Tape tape() {
    return tape;
  }

  /**
   * Makes gradients of log decays of those of their sums: G_i = g_from + … + g_i, so dg_i = dG_i +
   * … + dG_(to−1). What stands at {@code from} becomes 0 where a reset is before it.
   */
  public void sumLogDecays(int from, int to, boolean reset) {
    double sum = 0;
    for (int t = to - 1; t >= from; t--) {
      sum += logDecay[t];
      logDecay[t] = sum;
    }
    if (reset) {
      logDecay[from] = 0;
    }
  }
}
