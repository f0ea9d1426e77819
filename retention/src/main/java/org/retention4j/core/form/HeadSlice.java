package org.retention4j.core.form;

import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;

/**
 * The tokens of one head of one sequence, as a form sees them: token 0 is the first, {@link
 * #tokens()} the number of them. Operations of a lane take {@link #batch()}, {@link #head()} and
 * {@link #kvHead()} as they are. A slice is moved from head to head; a kernel keeps none.
 *
 * @since 0.1
 */
public final class HeadSlice {
  private final RowView q;
  private final RowView k;
  private final RowView v;
  private final RowView out;
  private final double scale;
  private Decays decays;
  private int batch;
  private int head;
  private int kvHead;
  private int tokens;
  private HeadState state;

  /**
   * Makes a slice of no head.
   *
   * @param q (B,T,H,K)
   * @param k (B,T,H_kv,K)
   * @param v (B,T,H_kv,V)
   * @param out (B,T,H,V)
   * @param scale between q S and o
   */
  public HeadSlice(RowView q, RowView k, RowView v, RowView out, double scale) {
    this.q = q;
    this.k = k;
    this.v = v;
    this.out = out;
    this.scale = scale;
  }

  /** Sets whose decays count from now on; no other slice uses them. */
  public void decays(Decays newDecays) {
    decays = newDecays;
  }

  /** Moves to a head; returns this. */
  public HeadSlice at(int newBatch, int newHead, int newKvHead, int count, HeadState newState) {
    batch = newBatch;
    head = newHead;
    kvHead = newKvHead;
    tokens = count;
    state = newState;
    decays.at(newBatch, newHead);
    return this;
  }

  /** Returns the queries (B,T,H,K), rotated and unscaled. */
  public RowView q() {
    return q;
  }

  /** Returns the keys (B,T,H_kv,K), rotated. */
  public RowView k() {
    return k;
  }

  /** Returns the values (B,T,H_kv,V). */
  public RowView v() {
    return v;
  }

  /** Returns where the outputs (B,T,H,V) go. */
  public RowView out() {
    return out;
  }

  /** Returns the batch row. */
  public int batch() {
    return batch;
  }

  /** Returns the query head. */
  public int head() {
    return head;
  }

  /** Returns the key/value head that serves it. */
  public int kvHead() {
    return kvHead;
  }

  /** Returns the number of tokens. */
  public int tokens() {
    return tokens;
  }

  /** Returns the factor between q S and o. */
  public double scale() {
    return scale;
  }

  /** Returns the state to read and to advance. */
  public HeadState state() {
    return state;
  }

  /** Returns the tokens' log decays. */
  public Decays decays() {
    return decays;
  }
}
