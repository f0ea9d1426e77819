package org.retention4j.train.pass.retention;

import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.NormKind;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;

/**
 * z = a(g) ⊙ ( weight ⊙ norm(o/√s_p) + bias ) over groups of the merged H·V channels of a token,
 * and back; all (B·T,H·V). Only o and g are kept: what stands between them and z is computed again.
 */
final class HeadNormPass {
  private static final double[] NONE = {};

  private final RetentionConfig config;
  private final SegmentPlaces places;
  private final int tokens;
  private final int groups;
  private final boolean centered;

  /** Whether a group is a head, so that 1/√s_p is a factor of its norm. */
  private final boolean byHead;

  /** Whether norm and gate are one, which are fast, or a bias or a mean stands between them. */
  private final boolean fused;

  private final GroupWeights weights;

  /** Null for none. */
  private final Parameter bias;

  private final Tile oTile;
  private final Tile zTile;
  private final Tile dzTile;

  /** The gradient of the gate; takes the place of that of z unless it is rounded. */
  private final Tile dgTile;

  /** Null without a gate. */
  private final Tile gTile;

  /** By head. */
  private final RowView oHeads;

  private final RowView doHeads;

  /** By group. */
  private final RowView o;

  /** What was normed: z itself without a gate; on the way back the gradient of it, then of o. */
  private final RowView n;

  private final RowView nRow;
  private final RowView dnRow;
  private final RowView gRow;
  private final RowView zRow;
  private final RowView dzRow;
  private final RowView dgRow;

  /** By group too, all rows one behind the other. */
  private final RowView oRow;

  private final RowView dnGroups;

  /** Of (B·T,H·V) rows. */
  private final RowView oWhole;

  /** By lane: a block's factors of groups, row by row; empty where all are 1. */
  private final double[][] factors;

  private final RowBlocks prepare;
  private final RowBlocks norm;
  private final RowBlocks back;

  /** Binds; tiles are made. */
  HeadNormPass(
      PassContext context,
      RetentionConfig config,
      Parameters parameters,
      String prefix,
      SegmentPlaces places) {
    this.config = config;
    this.places = places;
    tokens = context.tokens();
    groups = config.normGroups();
    centered = config.norm().kind() == NormKind.LAYER;
    byHead = groups == config.heads();
    int channels = config.heads() * config.valueWidth();
    int size = channels / groups;
    weights = new GroupWeights(parameters.find(prefix + RetentionConfig.HEAD_NORM), size);
    bias = parameters.find(prefix + RetentionConfig.HEAD_NORM_BIAS);
    int rows = context.rows();
    oTile = context.kept().tile(rows, channels);
    gTile = config.gated() ? context.kept().tile(rows, channels) : null;
    fused = config.gated() && bias == null && !centered;
    zTile =
        fused ? context.operand(context.shared(), channels) : context.shared().tile(rows, channels);
    dzTile = context.shared().tile(rows, channels);
    boolean plainGate = parameters.find(prefix + Projection.GATE.biasName()) == null;
    dgTile = fused && plainGate ? context.operandFor(dzTile) : dzTile;
    Tile nTile = config.gated() ? context.shared().tile(rows, channels) : zTile;
    Tile dnTile = config.gated() ? nTile : dzTile;
    oHeads = oTile.asRows(tokens, config.valueWidth());
    doHeads = dnTile.asRows(tokens, config.valueWidth());
    o = oTile.asRows(tokens, size);
    n = nTile.asRows(tokens, size);
    nRow = nTile.asRows(rows, channels);
    dnRow = dnTile.asRows(rows, channels);
    gRow = config.gated() ? gTile.asRows(rows, channels) : null;
    zRow = zTile.asRows(rows, channels);
    dzRow = dzTile.asRows(rows, channels);
    dgRow = dgTile.asRows(rows, channels);
    oRow = oTile.asRows(rows, size);
    dnGroups = dnTile.asRows(rows, size);
    oWhole = oTile.asRows(rows, channels);
    int factorsOfBlock = byHead && config.normaliseOutput() ? RowBlocks.BLOCK * groups : 0;
    factors = new double[context.engine().threads()][factorsOfBlock];
    prepare = new RowBlocks(context.engine(), rows, this::prepare);
    norm =
        fused
            ? RowBlocks.ofBlocks(context.engine(), rows, 0, this::fusedNorm)
            : new RowBlocks(context.engine(), rows, this::norm);
    back =
        RowBlocks.ofBlocks(
            context.engine(),
            rows,
            weights.sums() + (bias == null ? 0 : channels),
            fused ? this::fusedBack : this::back);
  }

  /** Returns (B,T,H,V) what is normed, which the core writes. */
  RowView o() {
    return oHeads;
  }

  /** Returns (B,T,H,V) its gradient. */
  RowView outGradient() {
    return doHeads;
  }

  /** Returns g (B·T,H·V), before its function. */
  Tile g() {
    return gTile;
  }

  /** Returns the gradient of g. */
  Tile gateGradient() {
    return dgTile;
  }

  /** Returns z. */
  Tile z() {
    return zTile;
  }

  /** Returns the gradient of z. */
  Tile dz() {
    return dzTile;
  }

  /** o, g -> z. */
  void forward() {
    if (centered || (config.normaliseOutput() && !byHead)) {
      prepare.run();
    }
    weights.refresh();
    norm.run();
  }

  /** Computes z again, unless the way back does. */
  void again() {
    if (!fused) {
      weights.refresh();
      norm.run();
    }
  }

  /** Returns whether z is there again behind the way back only, and not before. */
  boolean laterAgain() {
    return fused;
  }

  /** Divides by √s_p and subtracts the mean, in o. */
  private void prepare(Lane lane, int row, double[] sums) {
    int b = row / tokens;
    int t = row % tokens;
    if (!byHead) {
      scaleHeads(lane, oHeads, b, t);
    }
    for (int group = 0; group < groups && centered; group++) {
      lane.rows().center(o, b, t, group);
    }
  }

  private void scaleHeads(Lane lane, RowView x, int b, int t) {
    for (int h = 0; h < config.heads() && config.normaliseOutput(); h++) {
      lane.rows().scale(x, b, t, h, outputFactor(h, places.position(b, t)));
    }
  }

  private void norm(Lane lane, int row, double[] sums) {
    int b = row / tokens;
    int t = row % tokens;
    normed(lane, b, t);
    if (gRow != null) {
      lane.gradients().gate(gRow, config.gate(), nRow, zRow, 0, row, 1, 0);
    }
  }

  private void fusedNorm(Lane lane, int from, int count, double[] sums) {
    lane.gradients()
        .gatedNorms(
            oWhole,
            groups,
            factors(lane, from, count),
            weights.whole(),
            config.normEps(),
            gRow,
            config.gate(),
            zRow,
            from,
            count);
  }

  private void fusedBack(Lane lane, int from, int count, double[] sums) {
    lane.gradients()
        .gatedNormsBack(
            oWhole,
            groups,
            factors(lane, from, count),
            weights.whole(),
            config.normEps(),
            gRow,
            config.gate(),
            zRow,
            dzRow,
            dgRow,
            dnRow,
            weights.sums() == 0 ? NONE : sums,
            from,
            count);
    scaleHeads(lane, from, count);
  }

  private double[] factors(Lane lane, int from, int count) {
    double[] all = factors[lane.index()];
    for (int i = 0; i < count * groups && all.length > 0; i++) {
      int row = from + i / groups;
      all[i] = factor(i % groups, row / tokens, row % tokens);
    }
    return all;
  }

  /** o -> n, for one token of a row. */
  private void normed(Lane lane, int b, int t) {
    for (int group = 0; group < groups; group++) {
      double factor = factor(group, b, t);
      lane.rows().rmsNorm(o, factor, weights.of(group), config.normEps(), n, b, t, group);
    }
    if (bias != null) {
      lane.rows().add(nRow, bias.vector(), 0, (long) b * tokens + t, 0);
    }
  }

  /** Returns what multiplies a group before it is normed. */
  private double factor(int group, int b, int t) {
    return byHead && config.normaliseOutput() ? outputFactor(group, places.position(b, t)) : 1;
  }

  /** Returns 1/√s_p with s_p = Σ_(i=0..p) γ^i = (1 − γ^(p+1)) / (1 − γ), and p + 1 for γ = 1. */
  private double outputFactor(int head, long position) {
    double g = config.decay().logDecay().of(head);
    if (g == 0) {
      return 1 / Math.sqrt(position + 1.0);
    }
    return Math.sqrt(Math.expm1(g) / Math.expm1((position + 1) * g));
  }

  /** dz -> gradients of g and o; those of weight and bias are added. Behind {@link #again}. */
  void backward() {
    back.run();
    weights.add(back);
    if (bias != null) {
      back.add(bias.vectorGradient(), weights.sums());
    }
  }

  private void back(Lane lane, int from, int count, double[] sums) {
    for (int row = from; row < from + count; row++) {
      if (gRow != null) {
        lane.gradients()
            .gateBack(gRow, config.gate(), nRow, zRow, dzRow, dzRow, dnRow, 0, row, 1, 0);
      }
      if (bias != null) {
        lane.gradients().addTo(dnRow, sums, weights.sums(), 0, row, 0);
      }
    }
    boolean alike = !(byHead && config.normaliseOutput());
    for (int group = 0; group < groups; group++) {
      for (int row = from; row < from + count; row += alike ? count : 1) {
        int n = alike ? count : 1;
        double factor = factor(group, row / tokens, row % tokens);
        lane.gradients()
            .normBack(
                oRow,
                factor,
                centered,
                weights.of(group),
                config.normEps(),
                dnGroups,
                dnGroups,
                false,
                weights.sums() == 0 ? NONE : sums,
                weights.at(group),
                0,
                row,
                n,
                group);
      }
    }
    scaleHeads(lane, from, count);
  }

  /** Where groups are not heads, their factors stand before the norm, on the way back behind it. */
  private void scaleHeads(Lane lane, int from, int count) {
    for (int row = from; !byHead && row < from + count; row++) {
      scaleHeads(lane, doHeads, row / tokens, row % tokens);
    }
  }
}
