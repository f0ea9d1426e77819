package org.retention4j.core;

import java.util.Arrays;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.LaneTask;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.Rotary;

/**
 * Multi-scale retention over one piece of up to N tokens of each of B sequences, from a tile of
 * inputs to a tile of outputs (arXiv 2307.08621, equation 8):
 *
 * <pre>
 * q = rot(x W_Q)   k = rot(x W_K)   v = x W_V   g = silu(x W_G)
 * y = ( g ⊙ HeadNorm(o) ) W_O
 * </pre>
 *
 * <p>Row b·N+t of a tile is token t of sequence b. Everything is bound when the plan is made;
 * running it allocates nothing. Decoder stacks use it directly; {@link MultiScaleRetention} puts
 * arrays around it.
 *
 * @since 0.1
 */
public final class RetentionPlan implements AutoCloseable {
  private static final int NONE = -1;

  private final Buffers buffers;
  private final Engine engine;
  private final RetentionWeights weights;
  private final RetentionConfig config;
  private final double[] headNorm;
  private final int batch;
  private final int tokens;
  private final MatMulGroup inputs;
  private final MatMulGroup outputs;
  private final RowView q;
  private final RowView k;
  private final RowView o;
  private final RowView gate;
  private final Rotary rotator;

  /** Turns what follows a reset in the piece; none until there is one. */
  private Rotary fromZero;

  private final Angles[] angles;
  private final double keyFactor;
  private final HeadLoop loop;
  private final Decays[] constantDecay;
  private final boolean sharedKeys;
  private final LaneTask turnKeys = this::turnKeys;
  private final LaneTask advance = this::advanceHead;
  private final Runnable whole = this::runWhole;
  private final int[] counts;
  private final Places places;
  private Decays decaysOfRun;
  private RetentionState state;

  /**
   * Binds a plan.
   *
   * @param piece N tokens of B rows, its inputs and its outputs
   */
  public RetentionPlan(
      Engine engine, RetentionWeights weights, RetentionForm form, MicroBatch piece) {
    this.engine = engine;
    buffers = engine.newBuffers();
    this.weights = weights;
    this.config = weights.config();
    batch = piece.batch();
    tokens = piece.tokens();
    headNorm = weights.headNorm();
    sharedKeys = config.kvHeads() < config.heads();
    counts = new int[batch];
    places = new Places(batch, tokens);
    int rows = batch * tokens;
    Scratch scratch = piece.scratch();
    int heads = config.heads();
    int keyWidth = config.keyWidth();
    int valueWidth = config.valueWidth();
    Tile qTile = scratch.tile(rows, heads * keyWidth);
    Tile kTile = scratch.tile(rows, config.kvHeads() * keyWidth);
    Tile vTile = scratch.tile(rows, config.kvHeads() * valueWidth);
    Tile oTile = scratch.tile(rows, heads * valueWidth);
    q = qTile.asRows(tokens, keyWidth);
    k = kTile.asRows(tokens, keyWidth);
    RowView v = vTile.asRows(tokens, valueWidth);
    o = oTile.asRows(tokens, valueWidth);
    int group = heads / config.kvHeads();
    // Before buffers hold anything: a form may refuse.
    loop = new HeadLoop(engine, form, group, () -> new HeadSlice(q, k, v, o, config.outputScale()));
    inputs =
        piece
            .matMuls(engine, buffers, piece.x())
            .add(weights.query(), qTile, config.featureMap())
            .add(weights.key(), kTile, config.featureMap())
            .add(weights.value(), vTile, Activation.NONE);
    if (config.gate()) {
      Tile gTile = scratch.tile(rows, heads * valueWidth);
      gate = gTile.asRows(tokens, valueWidth);
      inputs.add(weights.gate(), gTile, Activation.SILU);
    } else {
      gate = null;
    }
    outputs =
        piece.matMuls(engine, buffers, oTile).add(weights.output(), piece.y(), Activation.NONE);
    rotator = config.rotation().active() ? rotary(batch) : null;
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), keyWidth / 2));
    keyFactor = config.scaleKeys() ? config.scale() : 1;
    constantDecay = loop.perLane(config.decay().logDecay(), Resets.none());
  }

  private Rotary rotary(int rows) {
    double[] frequencies = config.rotation().frequencies(config.keyWidth());
    return new Rotary(engine.type(), frequencies, rows, tokens);
  }

  /** Returns a decay in the place of the configuration's, for {@link #run}. */
  Decays[] decays(LogDecay decay, Resets resets) {
    return loop.perLane(decay, resets);
  }

  /** Returns the implementation of the products, as oneDNN names it. */
  public String implementation() {
    return outputs.implementation();
  }

  /**
   * Advances a state over the piece. Arguments were checked when the caller was bound.
   *
   * @param state of batch B, advanced in place
   * @param tokenCounts (B) tokens of each row in this piece, 0…N; outputs of other tokens are
   *     undefined
   */
  public void run(RetentionState state, int[] tokenCounts) {
    run(state, tokenCounts, constantDecay, 0);
  }

  /** The same with decays of {@link #decays}, whose token 0 of this piece is at {@code first}. */
  void run(RetentionState state, int[] tokenCounts, Decays[] decays, long first) {
    state.requireWhole();
    this.state = state;
    System.arraycopy(tokenCounts, 0, counts, 0, batch);
    loop.decays(decays, first);
    decaysOfRun = decays[0];
    try {
      engine.exclusively(whole);
    } finally {
      this.state = null;
    }
  }

  private void runWhole() {
    weights.requireOpen();
    runTasks();
    for (int b = 0; b < batch; b++) {
      state.advance(b, counts[b], decaysOfRun.lastReset(b, counts[b]));
    }
    state.settled();
  }

  private void runTasks() {
    inputs.run();
    boolean resets = false;
    for (int b = 0; b < batch; b++) {
      resets |= places.start(b, counts[b], decaysOfRun);
      if (rotator != null) {
        rotator.start(b, state.positionOf(b), counts[b]);
      }
    }
    if (resets && rotator != null && fromZero == null) {
      fromZero = rotary(1);
      fromZero.start(0, 0, tokens);
    }
    if (sharedKeys && (rotator != null || keyFactor != 1)) {
      engine.run(batch * config.kvHeads(), turnKeys);
    }
    engine.run(batch * config.heads(), advance);
    outputs.run();
  }

  private void turnKeys(Lane lane, int index) {
    turn(lane, index / config.kvHeads(), NONE, index % config.kvHeads());
  }

  /** Rotates the queries of a head and the keys of a key head, where there are such. */
  private void turn(Lane lane, int b, int head, int kvHead) {
    boolean interleaved = config.rotation().layout() == Rotation.Layout.INTERLEAVED;
    Angles own = angles[lane.index()];
    for (int t = 0; t < counts[b]; t++) {
      if (rotator != null) {
        if (places.afterReset(b, t)) {
          fromZero.at(0, places.position(b, t), own);
        } else {
          rotator.at(b, t, own);
        }
        if (head != NONE) {
          lane.rows().rotate(q, b, t, head, interleaved, own, 1);
        }
        if (kvHead != NONE) {
          lane.rows().rotate(k, b, t, kvHead, interleaved, own, keyFactor);
        }
      } else if (kvHead != NONE && keyFactor != 1) {
        lane.rows().scale(k, b, t, kvHead, keyFactor);
      }
    }
  }

  /**
   * Turns the queries of one head, and its keys unless heads share them, advances it, and norms and
   * gates its outputs while they are in the cache.
   */
  private void advanceHead(Lane lane, int index) {
    int b = index / config.heads();
    int h = index % config.heads();
    int n = counts[b];
    if (n == 0) {
      return;
    }
    turn(lane, b, h, sharedKeys ? NONE : h);
    loop.advance(lane, state, b, h, n);
    long start = state.positionOf(b);
    for (int t = 0; t < n; t++) {
      long position = places.afterReset(b, t) ? places.position(b, t) : start + t;
      double factor = config.normaliseOutput() ? outputFactor(h, position) : 1;
      if (config.gate()) {
        lane.rows().gatedRmsNorm(o, factor, headNorm, config.normEps(), gate, o, b, t, h);
      } else {
        lane.rows().rmsNorm(o, factor, headNorm, config.normEps(), o, b, t, h);
      }
    }
  }

  /** Returns 1/√s_p with s_p = Σ_(i=0..p) γ^i = (1 − γ^(p+1)) / (1 − γ), and p + 1 for γ = 1. */
  private double outputFactor(int head, long position) {
    double g = config.decay().logDecay().of(head);
    if (g == 0) {
      return 1 / Math.sqrt(position + 1.0);
    }
    return Math.sqrt(Math.expm1(g) / Math.expm1((position + 1) * g));
  }

  @Override
  public void close() {
    buffers.close();
  }
}
