package org.retention4j.train.pass.retention;

import java.util.Locale;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.train.pass.Linears;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;

/**
 * Queries, keys or values: rot( n( φ(x Wᵀ + b) ) ), times the factor that keys may have; x (B·T,D),
 * out (B·T,H·W). What stands before map and norm is kept only where there is one of them.
 */
final class ProjectionPass {
  private final int heads;
  private final Activation map;

  /** Of n; null for none. */
  private final Parameter norm;

  private final double eps;
  private final double factor;

  /** What the product gives; the same as {@link #out} where there is neither map nor norm. */
  private final RowView product;

  private final RowView out;
  private final RowView gradient;
  private final boolean plain;

  /** How many channels of a head turn: the first R. */
  private final int channels;

  private final int tokens;

  /** By token: all heads in a row. */
  private final RowView outRow;

  private final RowView gradientRow;

  /** What the gradient of the product is written to last. */
  private final RowView productGradientRow;

  /** The first R channels, which turn; null for none. */
  private final RowView turned;

  private final RowView turnedGradient;

  /** Whether the factor is a step of its own, since not all channels turn. */
  private final boolean scaleApart;

  /** Binds, and adds its product to those of the block's input. */
  ProjectionPass(
      PassContext context,
      RetentionConfig config,
      Parameters parameters,
      String prefix,
      Projection projection,
      Linears linears) {
    boolean value = projection == Projection.VALUE;
    boolean query = projection == Projection.QUERY;
    heads = query ? config.heads() : config.kvHeads();
    map = value ? config.valueMap() : config.featureMap();
    norm =
        value
            ? null
            : parameters.find(
                prefix + (query ? RetentionConfig.QUERY_NORM : RetentionConfig.KEY_NORM));
    eps = config.normEps();
    factor = projection == Projection.KEY && config.scaleKeys() ? config.scale() : 1;
    plain = map == Activation.NONE && norm == null;
    int width = value ? config.valueWidth() : config.keyWidth();
    Tile outTile = context.kept().tile(context.rows(), heads * width);
    Tile productTile = plain ? outTile : context.kept().tile(context.rows(), heads * width);
    Tile gradientTile = context.shared().tile(context.rows(), heads * width);
    channels = value ? 0 : config.rotation().rotated(width);
    scaleApart = factor != 1 && channels < width;
    Parameter bias = parameters.find(prefix + projection.biasName());
    boolean turnsLast = plain && channels > 0 && !scaleApart;
    Tile productGradientTile =
        turnsLast && bias == null ? context.operandFor(gradientTile) : gradientTile;
    out = outTile.asRows(context.tokens(), width);
    product = productTile.asRows(context.tokens(), width);
    gradient = gradientTile.asRows(context.tokens(), width);
    tokens = context.tokens();
    outRow = outTile.asRows(context.rows(), heads * width);
    gradientRow = gradientTile.asRows(context.rows(), heads * width);
    productGradientRow = productGradientTile.asRows(context.rows(), heads * width);
    turned = channels == 0 ? null : out.first(channels);
    turnedGradient = channels == 0 ? null : gradient.first(channels);
    linears.add(
        parameters.get(prefix + projection.name().toLowerCase(Locale.ROOT)),
        bias,
        productTile,
        productGradientTile);
  }

  /** Returns (B,T,H,W) what was projected. */
  RowView out() {
    return out;
  }

  /** Returns (B,T,H,W) its gradient, of nobody's before the core's way back. */
  RowView gradient() {
    return gradient;
  }

  /** Returns the length of the norm's weight, 0 for none. */
  int sums() {
    return norm == null ? 0 : norm.columns();
  }

  /** Does what follows the product, for some rows of (B·T), which the lane's turns are moved to. */
  void finish(Lane lane, Turns turns, int from, int count) {
    if (plain) {
      turnHeads(lane, turns, outRow, from, count, outRow);
      return;
    }
    for (int i = 0; i < count; i++) {
      int b = (from + i) / tokens;
      int t = (from + i) % tokens;
      for (int h = 0; h < heads; h++) {
        if (map != Activation.NONE) {
          lane.gradients().activate(product, map, out, b, t, 1, h);
        }
        if (norm != null) {
          RowView mapped = map == Activation.NONE ? product : out;
          lane.rows().rmsNorm(mapped, 1, norm.vector(), eps, out, b, t, h);
        }
        turn(lane, turns, i, out, turned, b, t, h);
      }
    }
  }

  private void turnHeads(Lane lane, Turns turns, RowView x, int from, int count, RowView to) {
    if (channels > 0) {
      turns.turnHeads(lane, x, heads, channels, from, count, scaleApart ? 1 : factor, to);
    }
    for (int row = from; scaleApart && row < from + count; row++) {
      lane.rows().scale(x, 0, row, 0, factor);
    }
  }

  private void turn(Lane lane, Turns turns, int i, RowView x, RowView first, int b, int t, int h) {
    if (first != null) {
      turns.turn(lane, i, first, b, t, h, scaleApart ? 1 : factor);
    }
    if (scaleApart) {
      lane.rows().scale(x, b, t, h, factor);
    }
  }

  /**
   * Takes the gradients of some rows back to the product's; the kept outputs are lost.
   *
   * @param turns backwards, moved to the rows
   * @param sums from {@code at} on added the gradient of the norm's weight
   */
  void finishBack(Lane lane, Turns turns, int from, int count, double[] sums, int at) {
    if (plain) {
      turnHeads(lane, turns, gradientRow, from, count, productGradientRow);
      return;
    }
    for (int i = 0; i < count; i++) {
      int b = (from + i) / tokens;
      int t = (from + i) % tokens;
      for (int h = 0; h < heads; h++) {
        turn(lane, turns, i, gradient, turnedGradient, b, t, h);
        finishBack(lane, b, t, h, sums, at);
      }
    }
  }

  private void finishBack(Lane lane, int b, int t, int h, double[] sums, int at) {
    if (norm != null) {
      RowView mapped = product;
      if (map != Activation.NONE) {
        lane.gradients().activate(product, map, out, b, t, 1, h);
        mapped = out;
      }
      lane.gradients()
          .normBack(
              mapped,
              1,
              false,
              norm.vector(),
              eps,
              gradient,
              gradient,
              false,
              sums,
              at,
              b,
              t,
              1,
              h);
    }
    if (map != Activation.NONE) {
      lane.gradients().activateBack(product, map, gradient, b, t, 1, h);
    }
  }

  /** Adds what the sums gave to the gradient of the norm's weight. */
  void add(RowBlocks blocks, int at) {
    if (norm != null) {
      blocks.add(norm.vectorGradient(), at);
    }
  }
}
