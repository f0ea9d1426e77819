package org.retention4j.train.stack;

import java.util.Arrays;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.DecoderConfig;
import org.retention4j.nn.NormConfig;
import org.retention4j.train.pass.NormPass;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;

/**
 * The end of a decoder and the loss in one: labelled rows are gathered, so many at a time that
 * their logits stay in the cache, normed, multiplied with the output matrix, and their
 * cross-entropy and its gradient taken where the logits stand. Unlabelled rows cost nothing.
 */
final class HeadPass {
  /** Logits that are computed at once. */
  private static final int LOGITS = 1 << 20;

  private static final int SMALLEST = 64;

  private final int tokens;
  private final int lanes;
  private final NormPass norm;
  private final int size;
  private final int[] rowOf;
  private final int[] targetOf;
  private final RowView x;
  private final RowView gathered;
  private final RowView normed;
  private final RowView logits;
  private final RowView normedGradient;
  private final RowView gradient;
  private final TileProducts scoring;
  private final TileProducts scoringBack;
  private final RowBlocks clear;
  private final RowBlocks gather;
  private final RowBlocks loss;
  private final RowBlocks back;
  private final double[] sum = new double[1];
  private int first;
  private int count;
  private double scale;
  private boolean gradients;

  /** Rows of logits, lane by lane, and the largest in them; empty where nothing is measured. */
  private double[][] ofLane = {};

  private double[] largest = {};

  /**
   * Binds.
   *
   * @param in (B·T,D)
   * @param d (B·T,D) receives the gradient of in
   */
  HeadPass(PassContext context, DecoderConfig config, Parameters parameters, Tile in, Tile d) {
    tokens = context.tokens();
    lanes = context.engine().threads();
    int rows = context.rows();
    int width = config.modelWidth();
    int vocabulary = config.vocabulary();
    size = Math.min(rows, Math.max(SMALLEST, LOGITS / vocabulary / SMALLEST * SMALLEST));
    rowOf = new int[rows];
    targetOf = new int[rows];
    norm = new NormPass(NormConfig.RMS, parameters, "", ModelNames.FINAL_NORM, config.normEps());
    Parameter output =
        parameters.get(config.tiedOutput() ? ModelNames.EMBEDDING : ModelNames.OUTPUT);
    Tile normedTile = context.owner().tile(size, width);
    Tile logitsTile = context.owner().tile(size, vocabulary);
    Tile gradientTile = context.owner().tile(size, width);
    x = in.asRows(rows, width);
    gradient = d.asRows(rows, width);
    gathered = context.owner().tile(size, width).asRows(size, width);
    normed = normedTile.asRows(size, width);
    logits = logitsTile.asRows(size, vocabulary);
    normedGradient = gradientTile.asRows(size, width);
    scoring = context.products().add(normedTile, false, output.value(), true, logitsTile, false);
    scoringBack =
        context
            .products()
            .add(logitsTile, true, normedTile, false, output.gradient(), true)
            .add(logitsTile, false, output.value(), false, gradientTile, false);
    clear =
        new RowBlocks(
            context.engine(), rows, (lane, row, sums) -> lane.rows().clear(gradient, 0, row, 0, 1));
    gather = RowBlocks.ofBlocks(context.engine(), size, 0, this::gather);
    loss = new RowBlocks(context.engine(), size, 1, this::loss);
    back = RowBlocks.ofBlocks(context.engine(), size, norm.sums(), this::back);
  }

  /**
   * Returns the sum of the cross-entropies of labelled tokens in nats.
   *
   * @param targets (B,T), negative where there is none
   * @param newScale what gradients are multiplied with; NaN for none
   */
  double run(int[][] targets, double newScale) {
    gradients = !Double.isNaN(newScale);
    scale = gradients ? newScale : 1;
    int labelled = label(targets);
    norm.begin();
    if (gradients && labelled < rowOf.length) {
      clear.run();
    }
    sum[0] = 0;
    for (first = 0; first < labelled; first += size) {
      count = Math.min(size, labelled - first);
      gather.run();
      scoring.run();
      loss.run(sum, 0);
      if (gradients) {
        scoringBack.run();
        back.run();
        norm.end(back);
      }
    }
    return sum[0];
  }

  private int label(int[][] targets) {
    int labelled = 0;
    for (int b = 0; b < targets.length; b++) {
      for (int t = 0; t < tokens; t++) {
        if (targets[b][t] >= 0) {
          rowOf[labelled] = b * tokens + t;
          targetOf[labelled++] = targets[b][t];
        }
      }
    }
    return labelled;
  }

  /** Rows behind the last are zeros: they add nothing to what is summed over rows. */
  private void gather(Lane lane, int from, int rows, double[] sums) {
    int n = Math.max(0, Math.min(rows, count - from));
    for (int i = from; i < from + n; i++) {
      lane.rows().copy(x, 0, rowOf[first + i], 0, gathered, 0, i, 0);
    }
    norm.forward(lane, gathered, normed, from, n);
    lane.rows().clear(normed, 0, from + n, 0, rows - n);
  }

  /** Has the next runs with gradients look for the largest logit, or not. */
  void measure(boolean value) {
    ofLane = value ? new double[lanes][logits.width()] : new double[0][];
    largest = new double[ofLane.length];
  }

  /** Returns the largest absolute value of a labelled row since it was to be measured. */
  double largestLogit() {
    return Arrays.stream(largest).max().orElse(Double.NaN);
  }

  private void loss(Lane lane, int i, double[] sums) {
    if (i < count) {
      if (gradients && largest.length > 0) {
        largest[lane.index()] = Math.max(largest[lane.index()], largest(ofLane[lane.index()], i));
      }
      sums[0] += lane.gradients().crossEntropy(logits, targetOf[first + i], scale, 0, i, 0);
    } else {
      lane.rows().clear(logits, 0, i, 0, 1);
    }
  }

  private double largest(double[] row, int i) {
    logits.readWide(0, i, 0, row);
    double most = 0;
    for (double logit : row) {
      most = Math.max(most, Math.abs(logit));
    }
    return most;
  }

  private void back(Lane lane, int from, int rows, double[] sums) {
    int n = Math.max(0, Math.min(rows, count - from));
    norm.backward(lane, gathered, normedGradient, normedGradient, false, sums, from, n);
    for (int i = from; i < from + n; i++) {
      lane.rows().copy(normedGradient, 0, i, 0, gradient, 0, rowOf[first + i], 0);
    }
  }
}
