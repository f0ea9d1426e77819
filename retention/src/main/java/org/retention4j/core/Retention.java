package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.Rows;

/**
 * The retention core on q, k and v in any form: o_t = scale · q_t S_t with S_t = e^(g_t) S_(t−1) +
 * k_tᵀ v_t (arXiv 2307.08621, equation 6; section 2.1 for the three forms).
 *
 * <p>Arrays have any strides, views included, and the engine's element type. A refused call leaves
 * the state untouched.
 */
public final class Retention {
  private final Engine engine;
  private final RetentionState state;
  private final LogDecay decay;
  private final Rows tokenDecay;
  private final int[] lengths;
  private final int heads;
  private final int group;
  private final int tokens;
  private final Rows q;
  private final Rows k;
  private final Rows v;
  private final Rows out;
  private final RetentionForm.HeadKernel[] kernels;
  private final HeadPass[] passes;
  private final LaneTask task = this::advanceHead;
  private final Runnable advance = this::advance;

  private Retention(
      Engine engine,
      RetentionForm form,
      INDArray q,
      INDArray k,
      INDArray v,
      LogDecay decay,
      double scale,
      RetentionState state,
      int[] lengths,
      INDArray out) {
    this.engine = engine;
    this.state = state;
    this.decay = decay;
    this.lengths = lengths;
    heads = (int) q.size(2);
    group = heads / (int) k.size(2);
    tokens = (int) q.size(1);
    tokenDecay = decay instanceof LogDecay.PerToken g ? Rows.of(g.values()) : null;
    kernels = kernels(engine, form, state.keyWidth(), state.valueWidth());
    passes = new HeadPass[kernels.length];
    this.q = Rows.of(q);
    this.k = Rows.of(k);
    this.v = Rows.of(v);
    this.out = Rows.of(out);
    LogDecay.PerHead constant = decay instanceof LogDecay.PerHead g ? g : null;
    for (int i = 0; i < passes.length; i++) {
      passes[i] = new HeadPass(this.q, this.k, this.v, this.out, scale, constant);
      if (tokenDecay != null) {
        passes[i].tokenDecay(tokenDecay, 0);
      }
    }
  }

  /** Returns the form's kernels, one per lane, made once per engine, form and head shape. */
  static RetentionForm.HeadKernel[] kernels(
      Engine engine, RetentionForm form, int keyWidth, int valueWidth) {
    record Key(RetentionForm form, int keyWidth, int valueWidth) {}

    return engine.perLane(
        new Key(form, keyWidth, valueWidth),
        lane -> form.prepare(lane, keyWidth, valueWidth),
        new RetentionForm.HeadKernel[0]);
  }

  /**
   * Binds the core to its arrays and state; {@link #step()} then advances without allocating.
   *
   * @param engine computes, in the type of the arrays and the state
   * @param form how
   * @param q (B,T,H,K), T may be 0
   * @param k (B,T,H_kv,K), H_kv divides H
   * @param v (B,T,H_kv,V)
   * @param decay per head (H) or per token (B,T,H)
   * @param scale finite factor between q S and o, K^(−1/2) in RetNet
   * @param state (B,H,K,V), advanced in place by each step
   * @param lengths (B) tokens of each row, 0…T; null when every row has T. Padded tokens are not
   *     read, do not touch the state and give 0
   * @param out (B,T,H,V), receives o; shares no memory with q, k, v or per-token decays
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public static Retention bind(
      Engine engine,
      RetentionForm form,
      INDArray q,
      INDArray k,
      INDArray v,
      LogDecay decay,
      double scale,
      RetentionState state,
      int[] lengths,
      INDArray out) {
    CoreChecks.present("form", form);
    CoreChecks.check(engine, q, k, v, decay, scale, state, lengths, out);
    int[] kept = lengths == null ? null : lengths.clone();
    return new Retention(engine, form, q, k, v, decay, scale, state, kept, out);
  }

  /**
   * Advances a state over the tokens of q, k and v, as {@link #bind} and {@link #step()} do.
   *
   * @return o (B,T,H,V), a new array
   */
  public static INDArray advance(
      Engine engine,
      RetentionForm form,
      INDArray q,
      INDArray k,
      INDArray v,
      LogDecay decay,
      double scale,
      RetentionState state,
      int[] lengths) {
    CoreChecks.checkRanks(q, k, v);
    INDArray out =
        Nd4j.create(engine.type().dataType(), q.size(0), q.size(1), q.size(2), v.size(3));
    bind(engine, form, q, k, v, decay, scale, state, lengths, out).step();
    return out;
  }

  /**
   * Advances the state over the tokens now in q, k and v and writes the outputs.
   *
   * @throws IllegalArgumentException if the state is closed or a log decay is not finite or &gt; 0
   * @throws IllegalStateException if an earlier call left the state half advanced
   */
  public void step() {
    q.requireOpen();
    k.requireOpen();
    v.requireOpen();
    out.requireOpen();
    CoreChecks.checkUsable(state);
    CoreChecks.checkValues(decay, tokenDecay, state.batch(), tokens, heads, lengths);
    engine.exclusively(advance);
  }

  private void advance() {
    engine.run(state.batch() * heads, task);
    for (int b = 0; b < state.batch(); b++) {
      state.moved(b, length(b));
    }
    state.settled();
  }

  private int length(int row) {
    return lengths == null ? tokens : lengths[row];
  }

  private void advanceHead(Lane lane, int index) {
    int b = index / heads;
    int h = index % heads;
    int n = length(b);
    if (n > 0) {
      HeadPass pass = passes[lane.index()].at(b, h, h / group, n, state.advancing(b, h));
      kernels[lane.index()].advance(pass);
      state.decayed(b, h, pass.totalDecay());
    }
    if (n < tokens) {
      lane.storeZeros(out, b, n, h, tokens - n);
    }
  }

  @Override
  public String toString() {
    return "Retention(" + state.describe() + ", lengths " + Arrays.toString(lengths) + ")";
  }
}
