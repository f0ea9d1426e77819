package org.retention4j.bench.training;

import java.util.Arrays;
import org.retention4j.core.Resets;
import org.retention4j.core.Rotation;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.nn.Rotary;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.Linears;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;
import org.retention4j.train.pass.Segment;

/**
 * Causal softmax attention as it is written down, the baseline of published comparisons: P =
 * softmax(scale·q Kᵀ) is computed whole, what lies above the diagonal included, and kept, T²
 * numbers for each head and row; o = P V.
 *
 * <p>Back: dV = Pᵀ dO, dP = dO Vᵀ, dS = P ⊙ (dP − ⟨P,dP⟩ of each row), dq = scale·dS K, dK =
 * scale·dSᵀ q. dP takes T² numbers once more, which layers share.
 */
final class MaterialisedPass implements MixerPass {
  /** Rows of a softmax that a lane does at once. */
  private static final int BLOCK = 64;

  private final Engine engine;
  private final int heads;
  private final int tokens;
  private final double scale;
  private final Linears inputs;
  private final Linears output;
  private final RowView queries;
  private final RowView keys;
  private final RowView queryGradients;
  private final RowView keyGradients;
  private final TileProducts scores;
  private final TileProducts outputs;
  private final TileProducts scoresBack;
  private final TileProducts inputsBack;
  private final Rotary rotary;
  private final Rotary rotaryBack;
  private final Angles[] angles;
  private final RowBlocks rotate;
  private final RowBlocks rotateBack;

  /** Rows of P, and of dP, that a lane does at once; the softmax of the former. */
  private final Tile[] blocks;

  private final Tile[] gradientBlocks;
  private final Product[] softmaxes;
  private final Lanes.Task softmax = this::softmax;
  private final Lanes.Task softmaxBack = this::softmaxBack;

  MaterialisedPass(
      PassContext context,
      AttentionConfig config,
      Parameters parameters,
      String prefix,
      Ends ends) {
    engine = context.engine();
    heads = config.heads();
    tokens = context.tokens();
    int d = config.headWidth();
    scale = 1 / Math.sqrt(d);
    int all = context.rows();
    Tile q = context.kept().tile(all, heads * d);
    Tile k = context.kept().tile(all, heads * d);
    Tile v = context.kept().tile(all, heads * d);
    Tile o = context.kept().tile(all, heads * d);
    Tile[] p = squares(context.kept(), context.batch() * heads);
    Tile dQ = context.shared().tile(all, heads * d);
    Tile dK = context.shared().tile(all, heads * d);
    Tile dV = context.shared().tile(all, heads * d);
    Tile dO = context.shared().tile(all, heads * d);
    Tile[] dP = squares(context.shared(), context.batch() * heads);
    inputs =
        new Linears(context, ends.x(), ends.dx())
            .add(parameters.get(prefix + "query"), null, q, dQ)
            .add(parameters.get(prefix + "key"), null, k, dK)
            .add(parameters.get(prefix + "value"), null, v, dV);
    output =
        new Linears(context, o, dO)
            .add(parameters.get(prefix + "output"), null, ends.y(), ends.dy());
    queries = q.asRows(all, d);
    keys = k.asRows(all, d);
    queryGradients = dQ.asRows(all, d);
    keyGradients = dK.asRows(all, d);
    scores = context.products();
    outputs = context.products();
    scoresBack = context.products();
    inputsBack = context.products();
    for (int i = 0; i < context.batch() * heads; i++) {
      int row = i / heads * tokens;
      int column = i % heads * d;
      Tile ownP = p[i];
      Tile ownGradient = dP[i];
      Tile ownQ = q.part(row, tokens, column, d);
      Tile ownK = k.part(row, tokens, column, d);
      Tile ownV = v.part(row, tokens, column, d);
      Tile ownOut = dO.part(row, tokens, column, d);
      scores.add(ownQ, false, ownK, true, ownP, false);
      outputs.add(ownP, false, ownV, false, o.part(row, tokens, column, d), false);
      scoresBack.add(ownP, true, ownOut, false, dV.part(row, tokens, column, d), false);
      scoresBack.add(ownOut, false, ownV, true, ownGradient, false);
      inputsBack.add(ownGradient, true, ownQ, false, dK.part(row, tokens, column, d), false);
      inputsBack.add(ownGradient, false, ownK, false, dQ.part(row, tokens, column, d), false);
    }
    blocks = blocks(p);
    gradientBlocks = blocks(dP);
    softmaxes = softmaxes(engine, blocks);
    rotary = rotary(config, 1);
    rotaryBack = rotary(config, -1);
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), d / 2));
    rotate =
        new RowBlocks(engine, all, (lane, row, sums) -> rotate(lane, rotary, queries, keys, row));
    rotateBack =
        new RowBlocks(
            engine,
            all,
            (lane, row, sums) -> rotate(lane, rotaryBack, queryGradients, keyGradients, row));
  }

  /** Makes (T,T) for each head of each row; all in one would pass 2 GiB early. */
  private Tile[] squares(Scratch from, int count) {
    Tile[] squares = new Tile[count];
    Arrays.setAll(squares, i -> from.tile(tokens, tokens));
    return squares;
  }

  /** Cuts rows of P into blocks, each within the rows of one head. */
  private Tile[] blocks(Tile[] p) {
    int each = (tokens + BLOCK - 1) / BLOCK;
    Tile[] cut = new Tile[p.length * each];
    for (int i = 0; i < cut.length; i++) {
      int from = from(i);
      cut[i] = p[i / each].part(from, Math.min(BLOCK, tokens - from), 0, tokens);
    }
    return cut;
  }

  /** Returns the token of a block's first row. */
  private int from(int block) {
    int each = (tokens + BLOCK - 1) / BLOCK;
    return block % each * BLOCK;
  }

  private static Product[] softmaxes(Engine engine, Tile[] blocks) {
    // A product of one lane may run on any, one at a time; it lives as long as the engine.
    Product[][] made =
        engine.perLane(
            new Object(),
            lane -> {
              Product[] all = new Product[lane.index() == 0 ? blocks.length : 0];
              Arrays.setAll(all, i -> lane.tiles().softmax(blocks[i]));
              return all;
            },
            new Product[0][]);
    return made[0];
  }

  /** Returns the angles of the positions 0…T−1, or of the same turned back. */
  private Rotary rotary(AttentionConfig config, int sign) {
    Rotation rope = new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, config.ropeBase());
    double[] frequencies = rope.frequencies(config.headWidth());
    Arrays.setAll(frequencies, i -> sign * frequencies[i]);
    Rotary turned = new Rotary(engine.type(), frequencies, 1, tokens);
    turned.start(0, 0, tokens);
    return turned;
  }

  @Override
  public void forward(Segment segment) {
    if (segment.starts() != Resets.none()) {
      throw new IllegalArgumentException("expected rows of one sequence each, got packed rows");
    }
    inputs.forward();
    rotate.run();
    scores.run();
    engine.run(blocks.length, softmax);
    outputs.run();
    output.forward();
  }

  @Override
  public void backward(Segment segment) {
    output.backward();
    scoresBack.run();
    engine.run(blocks.length, softmaxBack);
    inputsBack.run();
    rotateBack.run();
    inputs.backward();
  }

  /** Queries carry the scale, forwards and back. */
  private void rotate(Lane lane, Rotary by, RowView q, RowView k, int row) {
    Angles own = angles[lane.index()];
    by.at(0, row % tokens, own);
    for (int h = 0; h < heads; h++) {
      lane.rows().rotate(q, 0, row, h, false, own, scale);
      lane.rows().rotate(k, 0, row, h, false, own, 1);
    }
  }

  private void softmax(Lane lane, int index) {
    Tile rows = blocks[index];
    int from = from(index);
    for (int i = 0; i < rows.rows(); i++) {
      lane.tiles().fill(rows, i, from + i + 1, tokens, Double.NEGATIVE_INFINITY);
    }
    softmaxes[index].run();
  }

  private void softmaxBack(Lane lane, int index) {
    lane.gradients().softmaxBack(blocks[index], gradientBlocks[index], blocks[index].rows());
  }
}
