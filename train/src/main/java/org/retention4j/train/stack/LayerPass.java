package org.retention4j.train.stack;

import java.util.List;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.LayerConfig;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.FeedForwardPass;
import org.retention4j.train.pass.HeadSizes;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.NormPass;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.tensor.TrainedTensor;

/** A decoder layer, x + mixer(Norm(x)) and then x + ffn(Norm(x)), forwards and back. */
final class LayerPass {
  private final MixerPass mixer;
  private final FeedForwardPass feedForward;
  private final NormPass mixerNorm;
  private final NormPass feedForwardNorm;
  private final RowView in;
  private final RowView normed;
  private final RowView branch;
  private final RowView middle;
  private final RowView middleNormed;
  private final RowView out;
  private final RowView gradient;
  private final RowView branchGradient;
  private final RowBlocks begin;
  private final RowBlocks between;
  private final RowBlocks end;
  private final RowBlocks backThroughMiddle;
  private final RowBlocks backThroughIn;
  private final HeadSizes sizes = new HeadSizes();

  /**
   * Binds; tiles are taken from the context's scratches.
   *
   * @param prefix of its parameters, "layers.0." for instance
   * @param x (B·T,D), kept by the caller
   * @param y (B·T,D), receives the outputs
   * @param d (B·T,D) gradient of y, which becomes that of x
   */
  LayerPass(
      PassContext context,
      LayerConfig config,
      double eps,
      Parameters parameters,
      String prefix,
      Tile x,
      Tile y,
      Tile d) {
    int rows = context.rows();
    int width = config.modelWidth();
    context.shared().rewind();
    Tile branchTile = context.shared().tile(rows, width);
    Tile branchGradientTile = context.shared().tile(rows, width);
    Tile middleTile = context.kept().tile(rows, width);
    mixerNorm = new NormPass(config.norm(), parameters, prefix, ModelNames.MIXER_NORM, eps);
    feedForwardNorm =
        new NormPass(config.norm(), parameters, prefix, ModelNames.FEED_FORWARD_NORM, eps);
    Tile normedTile = normedTile(context, mixerNorm, width);
    Tile middleNormedTile = normedTile(context, feedForwardNorm, width);
    mixer =
        MixerPasses.bind(
            context,
            config.mixer(),
            parameters,
            prefix + ModelNames.MIXER,
            new Ends(normedTile, branchTile, d, branchGradientTile));
    feedForward =
        new FeedForwardPass(
            context,
            config.feedForward(),
            parameters,
            prefix + ModelNames.FEED_FORWARD,
            new Ends(middleNormedTile, branchTile, d, branchGradientTile));
    in = rowsOf(x);
    normed = rowsOf(normedTile);
    branch = rowsOf(branchTile);
    middle = rowsOf(middleTile);
    middleNormed = rowsOf(middleNormedTile);
    out = rowsOf(y);
    gradient = rowsOf(d);
    branchGradient = rowsOf(branchGradientTile);
    begin = RowBlocks.ofBlocks(context.engine(), rows, 0, this::begin);
    between = RowBlocks.ofBlocks(context.engine(), rows, 0, this::between);
    end = RowBlocks.ofBlocks(context.engine(), rows, 0, this::end);
    backThroughMiddle =
        RowBlocks.ofBlocks(context.engine(), rows, feedForwardNorm.sums(), this::backThroughMiddle);
    backThroughIn =
        RowBlocks.ofBlocks(context.engine(), rows, mixerNorm.sums(), this::backThroughIn);
  }

  private static Tile normedTile(PassContext context, NormPass norm, int width) {
    return norm.writesOnce()
        ? context.operand(context.kept(), width)
        : context.kept().tile(context.rows(), width);
  }

  private static RowView rowsOf(Tile tile) {
    return tile.asRows(tile.rows(), tile.columns());
  }

  /** Returns what was measured. */
  HeadSizes sizes() {
    return sizes;
  }

  /** Has the ways forth from now on add to {@link #sizes}, or not. */
  void measure(boolean value) {
    mixer.measure(value ? sizes : null);
  }

  void forward(Segment segment) {
    mixerNorm.begin();
    feedForwardNorm.begin();
    begin.run();
    mixer.forward(segment);
    between.run();
    feedForward.forward();
    end.run();
  }

  private void begin(Lane lane, int from, int count, double[] sums) {
    mixerNorm.forward(lane, in, normed, from, count);
  }

  private void between(Lane lane, int from, int count, double[] sums) {
    lane.rows().add(in, branch, middle, 0, from, count, 0);
    feedForwardNorm.forward(lane, middle, middleNormed, from, count);
  }

  private void end(Lane lane, int from, int count, double[] sums) {
    lane.rows().add(middle, branch, out, 0, from, count, 0);
  }

  void backward(Segment segment) {
    feedForward.backward();
    backThroughMiddle.run();
    feedForwardNorm.end(backThroughMiddle);
    mixer.backward(segment);
    backThroughIn.run();
    mixerNorm.end(backThroughIn);
  }

  private void backThroughMiddle(Lane lane, int from, int count, double[] sums) {
    feedForwardNorm.backward(lane, middle, branchGradient, gradient, true, sums, from, count);
  }

  private void backThroughIn(Lane lane, int from, int count, double[] sums) {
    mixerNorm.backward(lane, in, branchGradient, gradient, true, sums, from, count);
  }

  List<TrainedTensor> carried() {
    return mixer.carried();
  }
}
