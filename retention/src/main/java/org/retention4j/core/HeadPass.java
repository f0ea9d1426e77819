package org.retention4j.core;

import org.retention4j.engine.HeadState;
import org.retention4j.engine.Rows;

/**
 * The tokens of one head of one sequence, as a form sees them: token 0 is the first, {@link
 * #tokens()} the number of them. Operations of a lane take {@link #batch()}, {@link #head()} and
 * {@link #kvHead()} as they are.
 */
public final class HeadPass {
  private final Rows q;
  private final Rows k;
  private final Rows v;
  private final Rows out;
  private final double scale;
  private final LogDecay.PerHead constantDecay;
  private Rows tokenDecay;
  private long decayOffset;
  private int batch;
  private int head;
  private int kvHead;
  private int tokens;
  private HeadState state;

  HeadPass(Rows q, Rows k, Rows v, Rows out, double scale, LogDecay.PerHead constantDecay) {
    this.q = q;
    this.k = k;
    this.v = v;
    this.out = out;
    this.scale = scale;
    this.constantDecay = constantDecay;
  }

  /** Sets per-token decays (B,T,H) instead of the constant ones; token 0 is at {@code offset}. */
  void tokenDecay(Rows decays, long offset) {
    tokenDecay = decays;
    decayOffset = offset;
  }

  HeadPass at(int batch, int head, int kvHead, int tokens, HeadState state) {
    this.batch = batch;
    this.head = head;
    this.kvHead = kvHead;
    this.tokens = tokens;
    this.state = state;
    return this;
  }

  /** Returns the queries (B,T,H,K), rotated and unscaled. */
  public Rows q() {
    return q;
  }

  /** Returns the keys (B,T,H_kv,K), rotated. */
  public Rows k() {
    return k;
  }

  /** Returns the values (B,T,H_kv,V). */
  public Rows v() {
    return v;
  }

  /** Returns where the outputs (B,T,H,V) go. */
  public Rows out() {
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

  /** Returns whether the log decay is the same for every token. */
  public boolean uniformDecay() {
    return tokenDecay == null;
  }

  /** Returns the log decay g of one token. */
  public double logDecay(long token) {
    return tokenDecay == null
        ? constantDecay.of(head)
        : tokenDecay.get(batch, decayOffset + token, 0, head);
  }

  /** Fills into[i] with g of token from+i, i &lt; n. */
  public void logDecays(long from, int n, double[] into) {
    for (int i = 0; i < n; i++) {
      into[i] = logDecay(from + i);
    }
  }

  /**
   * Fills into[i] with g_from + … + g_(from+i), i &lt; n: the decay from before the first of n
   * tokens to after token i. A constant decay is multiplied, never summed.
   */
  public void decayFromStart(long from, int n, double[] into) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum = tokenDecay == null ? (i + 1) * constantDecay.of(head) : sum + logDecay(from + i);
      into[i] = sum;
    }
  }

  /**
   * Fills into[i] with g_(from+i+1) + … + g_(from+n−1), i &lt; n: the decay from after token i to
   * after the last of n. Summed on its own, since the difference of two sums loses every digit when
   * one token of them decays far.
   */
  public void decayToEnd(long from, int n, double[] into) {
    double sum = 0;
    for (int i = n - 1; i >= 0; i--) {
      into[i] = tokenDecay == null ? (n - 1 - i) * constantDecay.of(head) : sum;
      sum += logDecay(from + i);
    }
  }

  /** Returns the log decay over all tokens of the pass. */
  double totalDecay() {
    if (tokenDecay == null) {
      return tokens * constantDecay.of(head);
    }
    double sum = 0;
    for (int i = 0; i < tokens; i++) {
      sum += logDecay(i);
    }
    return sum;
  }
}
