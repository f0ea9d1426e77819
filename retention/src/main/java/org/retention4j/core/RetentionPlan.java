package org.retention4j.core;

import java.util.Arrays;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.Places;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.GroupedNorm;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.Norm;
import org.retention4j.nn.ProjectedRows;
import org.retention4j.nn.Rotary;
import org.retention4j.nn.TokenTask;

/**
 * Multi-scale retention over one piece of up to N tokens of each of B sequences, from a tile of
 * inputs to a tile of outputs (arXiv 2307.08621, equation 8):
 *
 * <pre>
 * q = rot( n( φ(x W_Q + b_Q) ) )   k = rot( n( φ(x_kv W_K + b_K) ) )   v = φ_v(x_kv W_V + b_V)
 * y = ( a(x W_G + b_G) ⊙ Norm(o) ) W_O + b_O
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
  private final int batch;
  private final int tokens;
  private final MatMulGroup inputs;

  /** Products with the second stream; none where there is one. */
  private final MatMulGroup secondInputs;

  private final MatMulGroup outputs;
  private final RowView q;
  private final RowView k;
  private final RowView o;
  private final ProjectedRows queries;
  private final ProjectedRows keys;
  private final ProjectedRows values;
  private final GroupedNorm norm;

  /** Whether a group of the norm is a head: it is normed while it is in the cache. */
  private final boolean normByHead;

  private final ProjectedRows biasedOutput;
  private final TokenTask groupedNorm;
  private final TokenTask addOutputBias;

  /** What of q and k is rotated: the first R of K channels. */
  private final RowView rotatedQ;

  private final RowView rotatedK;
  private final Rotary rotator;

  /** Turns what follows a reset in the piece; none until there is one. */
  private Rotary fromZero;

  private final Angles[] angles;
  private final double keyFactor;

  /** Whether the factor of the keys is left to a step of its own, behind the rotation. */
  private final boolean scaleApart;

  private final HeadLoop loop;
  private final Decays[] constantDecay;

  /** Whether heads share keys that something is done to. */
  private final boolean keysFirst;

  private final Lanes.Task prepareKeys = this::prepareKeys;
  private final Lanes.Task advance = this::advanceHead;
  private final Runnable whole = this::runWhole;
  private final int[] counts;
  private final Places places;
  private Decays decaysOfRun;
  private RetentionState state;

  /**
   * Binds a plan of a block with one stream.
   *
   * @param piece N tokens of B rows, its inputs and its outputs
   */
  public RetentionPlan(
      Engine engine, RetentionWeights weights, RetentionForm form, MicroBatch piece) {
    this(engine, weights, form, piece, piece.x());
  }

  /**
   * Binds a plan.
   *
   * @param piece N tokens of B rows, its inputs and its outputs
   * @param keyValues (B·N, D_kv), what keys and values are made from
   */
  RetentionPlan(
      Engine engine,
      RetentionWeights weights,
      RetentionForm form,
      MicroBatch piece,
      Tile keyValues) {
    this.engine = engine;
    buffers = engine.newBuffers();
    this.weights = weights;
    this.config = weights.config();
    batch = piece.batch();
    tokens = piece.tokens();
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
    inputs = piece.matMuls(engine, buffers, piece.x());
    MatMulGroup keyValueInputs =
        keyValues == piece.x() ? inputs : piece.matMuls(engine, buffers, keyValues);
    secondInputs = keyValueInputs == inputs ? null : keyValueInputs;
    add(inputs, weights.query(), qTile, Projection.QUERY, config.featureMap());
    add(keyValueInputs, weights.key(), kTile, Projection.KEY, config.featureMap());
    add(keyValueInputs, weights.value(), vTile, Projection.VALUE, config.valueMap());
    double eps = config.normEps();
    queries =
        projected(q, Projection.QUERY, config.featureMap())
            .normed(weights.vector(RetentionConfig.QUERY_NORM), eps);
    keys =
        projected(k, Projection.KEY, config.featureMap())
            .normed(weights.vector(RetentionConfig.KEY_NORM), eps);
    values = projected(v, Projection.VALUE, config.valueMap());
    norm = norm(scratch, oTile);
    normByHead = config.normGroups() == heads;
    groupedNorm = new TokenTask(engine, this::normGroups);
    outputs = piece.matMuls(engine, buffers, oTile);
    outputs.add(weights.output(), piece.y(), Activation.NONE);
    biasedOutput =
        projected(
            piece.y().asRows(tokens, config.modelWidth()), Projection.OUTPUT, Activation.NONE);
    addOutputBias = new TokenTask(engine, (lane, b, t) -> biasedOutput.finish(lane, b, t, 0));
    rotator = config.rotation().active() ? rotary(batch) : null;
    int rotated = config.rotation().rotated(keyWidth);
    rotatedQ = rotator == null ? null : q.first(rotated);
    rotatedK = rotator == null ? null : k.first(rotated);
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), rotated / 2));
    keyFactor = config.scaleKeys() ? config.scale() : 1;
    scaleApart = keyFactor != 1 && rotated < keyWidth;
    keysFirst =
        config.kvHeads() < heads
            && (rotator != null || keyFactor != 1 || keys.active() || values.active());
    constantDecay = loop.perLane(config.decay().logDecay(), Resets.none());
  }

  private void add(
      MatMulGroup products, PackedMatrix w, Tile to, Projection projection, Activation map) {
    products.add(w, to, ProjectedRows.fused(weights.bias(projection), map));
  }

  private ProjectedRows projected(RowView rows, Projection projection, Activation map) {
    return ProjectedRows.of(rows, weights.bias(projection), map);
  }

  /** Binds the norm of the outputs, and the gate's product where there is a gate. */
  private GroupedNorm norm(Scratch scratch, Tile oTile) {
    RowView gate = null;
    ProjectedRows gateFirst = null;
    if (config.gated()) {
      Tile gTile = scratch.tile(oTile.rows(), oTile.columns());
      add(inputs, weights.gate(), gTile, Projection.GATE, config.gate());
      gate = gTile.asRows(tokens, oTile.columns() / config.normGroups());
      gateFirst = projected(gate, Projection.GATE, config.gate());
    }
    return new GroupedNorm(
        oTile,
        tokens,
        config.normGroups(),
        new Norm(
            config.norm().kind(),
            weights.vector(RetentionConfig.HEAD_NORM),
            weights.vector(RetentionConfig.HEAD_NORM_BIAS),
            config.normEps()),
        gate,
        gateFirst);
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

  /**
   * The same, with sequences that begin inside the piece.
   *
   * @param resets of the rows that the piece is part of; for each call some objects of a fixed size
   *     are made
   * @param first the index of the piece's token 0 in these rows
   */
  public void run(RetentionState state, int[] tokenCounts, Resets resets, long first) {
    boolean none = resets.isEmpty();
    Decays[] decays = none ? constantDecay : decays(config.decay().logDecay(), resets);
    run(state, tokenCounts, decays, first);
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
    if (secondInputs != null) {
      secondInputs.run();
    }
    boolean resets = false;
    for (int b = 0; b < batch; b++) {
      resets |= places.start(b, counts[b], decaysOfRun);
      if (rotator != null) {
        rotator.start(b, state.position(b), counts[b]);
      }
    }
    if (resets && rotator != null && fromZero == null) {
      fromZero = rotary(1);
      fromZero.start(0, 0, tokens);
    }
    if (keysFirst) {
      engine.run(batch * config.kvHeads(), prepareKeys);
    }
    engine.run(batch * config.heads(), advance);
    if (!normByHead) {
      groupedNorm.run(counts);
    }
    outputs.run();
    if (biasedOutput.active()) {
      addOutputBias.run(counts);
    }
  }

  private void prepareKeys(Lane lane, int index) {
    prepare(lane, index / config.kvHeads(), NONE, index % config.kvHeads());
  }

  /** Makes the queries of a head and the keys and values of a key head, where there are such. */
  private void prepare(Lane lane, int b, int head, int kvHead) {
    boolean interleaved = config.rotation().layout() == Rotation.Layout.INTERLEAVED;
    Angles own = angles[lane.index()];
    for (int t = 0; t < counts[b]; t++) {
      if (rotator != null) {
        if (places.afterReset(b, t)) {
          fromZero.at(0, places.position(b, t), own);
        } else {
          rotator.at(b, t, own);
        }
      }
      if (head != NONE) {
        queries.finish(lane, b, t, head);
        if (rotator != null) {
          lane.rows().rotate(rotatedQ, b, t, head, interleaved, own, 1);
        }
      }
      if (kvHead != NONE) {
        values.finish(lane, b, t, kvHead);
        keys.finish(lane, b, t, kvHead);
        if (rotator != null) {
          double factor = scaleApart ? 1 : keyFactor;
          lane.rows().rotate(rotatedK, b, t, kvHead, interleaved, own, factor);
        }
        if (scaleApart) {
          lane.rows().scale(k, b, t, kvHead, keyFactor);
        }
      }
    }
  }

  /**
   * Makes the queries of one head, and its keys and values unless heads share them, advances it,
   * and norms and gates its outputs while they are in the cache.
   */
  private void advanceHead(Lane lane, int index) {
    int b = index / config.heads();
    int h = index % config.heads();
    int n = counts[b];
    if (n == 0) {
      return;
    }
    prepare(lane, b, h, keysFirst ? NONE : h * config.kvHeads() / config.heads());
    loop.advance(lane, state, b, h, n);
    long start = state.position(b);
    for (int t = 0; t < n; t++) {
      long position = places.afterReset(b, t) ? places.position(b, t) : start + t;
      double factor = config.normaliseOutput() ? outputFactor(h, position) : 1;
      if (normByHead) {
        norm.run(lane, b, t, h, factor);
      } else if (factor != 1) {
        lane.rows().scale(o, b, t, h, factor);
      }
    }
  }

  private void normGroups(Lane lane, int b, int t) {
    for (int group = 0; group < config.normGroups(); group++) {
      norm.run(lane, b, t, group, 1);
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
