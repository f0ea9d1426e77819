package org.retention4j.train.pass.retention;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.engine.ops.Lane;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.HeadSizes;
import org.retention4j.train.pass.Linears;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.pass.retention.CorePass.CoreRows;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Multi-scale retention, forwards and back:
 *
 * <pre>
 * q = rot( n( φ(x W_Q + b_Q) ) )   k = rot( n( φ(x W_K + b_K) ) )   v = φ_v(x W_V + b_V)
 * y = ( a(x W_G + b_G) ⊙ Norm(o) ) W_O + b_O
 * </pre>
 *
 * <p>Kept are q, k, v, o and g, and what stands before maps and norms of q, k and v where there are
 * such.
 */
public final class RetentionPass implements MixerPass {
  private final String prefix;
  private final SegmentPlaces places;
  private final Turns forth;
  private final Turns back;
  private final ProjectionPass queries;
  private final ProjectionPass keys;
  private final ProjectionPass values;

  /** Products of the block's input: queries, keys, values, gate. */
  private final Linears inputs;

  private final CorePass core;
  private final HeadNormPass norm;
  private final Linears output;
  private final int tokens;
  private final RowBlocks finish;
  private final RowBlocks finishBack;
  private final RowBlocks squares;
  private final int rows;
  private final int heads;
  private final int valueWidth;

  /** A row's o of a head, lane by lane. */
  private final double[][] ofHead;

  /** Null where nothing is measured. */
  private HeadSizes sizes;

  /**
   * Binds.
   *
   * @param config with one stream
   * @param parameters those of {@link RetentionConfig#weights} among them, behind the prefix
   * @param ends tiles (B·T,D)
   */
  public RetentionPass(
      PassContext context,
      RetentionConfig config,
      Parameters parameters,
      String prefix,
      Ends ends) {
    if (config.twoStreams()) {
      throw new IllegalArgumentException(
          "expected retention of one stream to be trained, got keys and values of a second one");
    }
    this.prefix = prefix;
    tokens = context.tokens();
    places = new SegmentPlaces(context);
    forth = new Turns(context, config, places, 1);
    back = new Turns(context, config, places, -1);
    inputs = new Linears(context, ends.x(), ends.dx());
    queries = new ProjectionPass(context, config, parameters, prefix, Projection.QUERY, inputs);
    keys = new ProjectionPass(context, config, parameters, prefix, Projection.KEY, inputs);
    values = new ProjectionPass(context, config, parameters, prefix, Projection.VALUE, inputs);
    norm = new HeadNormPass(context, config, parameters, prefix, places);
    core =
        new CorePass(
            context,
            config,
            new CoreRows(queries.out(), keys.out(), values.out(), norm.o()),
            new CoreRows(
                queries.gradient(), keys.gradient(), values.gradient(), norm.outGradient()));
    if (config.gated()) {
      inputs.add(
          parameters.get(prefix + RetentionConfig.GATE),
          parameters.find(prefix + Projection.GATE.biasName()),
          norm.g(),
          norm.gateGradient());
    }
    output =
        new Linears(context, norm.z(), norm.dz(), norm.laterAgain())
            .add(
                parameters.get(prefix + RetentionConfig.OUTPUT),
                parameters.find(prefix + Projection.OUTPUT.biasName()),
                ends.y(),
                ends.dy());
    finish = RowBlocks.ofBlocks(context.engine(), context.rows(), 0, this::finish);
    int sums = queries.sums() + keys.sums();
    finishBack = RowBlocks.ofBlocks(context.engine(), context.rows(), sums, this::finishBack);
    rows = context.rows();
    heads = config.heads();
    valueWidth = config.valueWidth();
    ofHead = new double[context.engine().threads()][valueWidth];
    squares = new RowBlocks(context.engine(), context.rows(), heads, this::addSquares);
  }

  @Override
  public void forward(Segment segment) {
    places.begin(segment, core.begin(segment));
    inputs.forward();
    forth.begin();
    finish.run();
    core.forward();
    if (sizes != null) {
      squares.run();
      sizes.add(squares, heads, (long) rows * valueWidth);
    }
    norm.forward();
    output.forward();
  }

  private void finish(Lane lane, int from, int count, double[] sums) {
    for (int row = from; row < from + count; row += Turns.ROWS) {
      int n = Math.min(Turns.ROWS, from + count - row);
      forth.at(lane, row, n);
      queries.finish(lane, forth, row, n);
      keys.finish(lane, forth, row, n);
      values.finish(lane, forth, row, n);
    }
  }

  @Override
  public void measure(HeadSizes to) {
    sizes = to;
  }

  private void addSquares(Lane lane, int row, double[] sums) {
    double[] o = ofHead[lane.index()];
    for (int h = 0; h < heads; h++) {
      norm.o().readWide(row / tokens, row % tokens, h, o);
      for (double value : o) {
        sums[h] += value * value;
      }
    }
  }

  @Override
  public void backward(Segment segment) {
    places.begin(segment, core.begin(segment));
    norm.again();
    output.backward();
    norm.backward();
    output.backwardWeights();
    core.backward();
    back.begin();
    finishBack.run();
    queries.add(finishBack, 0);
    keys.add(finishBack, queries.sums());
    inputs.backward();
    places.advance(segment);
  }

  private void finishBack(Lane lane, int from, int count, double[] sums) {
    for (int row = from; row < from + count; row += Turns.ROWS) {
      int n = Math.min(Turns.ROWS, from + count - row);
      back.at(lane, row, n);
      queries.finishBack(lane, back, row, n, sums, 0);
      keys.finishBack(lane, back, row, n, sums, queries.sums());
      values.finishBack(lane, back, row, n, sums, 0);
    }
  }

  @Override
  public List<TrainedTensor> carried() {
    List<TrainedTensor> all = new ArrayList<>(core.carried(prefix));
    all.add(places.carried(prefix + "positions"));
    return all;
  }
}
