package org.retention4j.train.pass.attention;

import java.util.Arrays;
import org.retention4j.core.Rotation;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
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
 * Causal softmax attention: o = softmax(scale·q Kᵀ) V with rotated q and k, y = o·W_Oᵀ. Rotated
 * queries (B·T,heads·d), keys and values (B·T,kvHeads·d) and o are kept, the softmax is not. Each
 * segment is attended to by itself: nothing is carried on.
 *
 * <p>Back, with P = softmax: dV = Pᵀ dO, dP = dO Vᵀ, dS = P ⊙ (dP − ⟨P,dP⟩ of each row), dq =
 * scale·dS K, dK = scale·dSᵀ q, heads of a group summed, and the rotation the other way round.
 */
public final class AttentionPass implements MixerPass {
  private final Engine engine;
  private final AttentionConfig config;
  private final int parts;
  private final Sight sight;
  private final Linears inputs;
  private final Linears output;
  private final AttentionLane.Rows rows;
  private final AttentionLane[] onLanes;
  private final Rotary rotary;
  private final Rotary rotaryBack;
  private final Angles[] angles;
  private final RowBlocks rotate;
  private final RowBlocks rotateBack;
  private final Lanes.Task attend = this::attend;
  private final Lanes.Task attendBack = this::attendBack;

  /**
   * Binds.
   *
   * @param prefix of the names of its parameters
   */
  public AttentionPass(
      PassContext context,
      AttentionConfig config,
      Parameters parameters,
      String prefix,
      Ends ends) {
    engine = context.engine();
    this.config = config;
    parts = context.batch() * config.kvHeads();
    int d = config.headWidth();
    int all = context.rows();
    Tile q = context.kept().tile(all, config.heads() * d);
    Tile k = context.kept().tile(all, config.kvHeads() * d);
    Tile v = context.kept().tile(all, config.kvHeads() * d);
    Tile o = context.kept().tile(all, config.heads() * d);
    Tile dQ = context.shared().tile(all, config.heads() * d);
    Tile dK = context.shared().tile(all, config.kvHeads() * d);
    Tile dV = context.shared().tile(all, config.kvHeads() * d);
    Tile dO = context.shared().tile(all, config.heads() * d);
    inputs = new Linears(context, ends.x(), ends.dx());
    add(inputs, parameters, prefix + "query", q, dQ);
    add(inputs, parameters, prefix + "key", k, dK);
    add(inputs, parameters, prefix + "value", v, dV);
    output = new Linears(context, o, dO);
    add(output, parameters, prefix + "output", ends.y(), ends.dy());
    rows =
        new AttentionLane.Rows(
            q.asRows(all, d),
            k.asRows(all, d),
            v.asRows(all, d),
            o.asRows(all, d),
            dQ.asRows(all, d),
            dK.asRows(all, d),
            dV.asRows(all, d),
            dO.asRows(all, d),
            1 / Math.sqrt(d));
    sight = new Sight(context.batch(), context.tokens(), config.window());
    onLanes = AttentionLane.forEngine(engine, d, KeyBlocks.most(context.tokens(), config.window()));
    rotary = rotary(context.tokens(), 1);
    rotaryBack = rotary(context.tokens(), -1);
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), d / 2));
    rotate =
        new RowBlocks(
            engine, all, (lane, row, sums) -> rotate(lane, rotary, rows.q(), rows.k(), row));
    rotateBack =
        new RowBlocks(
            engine, all, (lane, row, sums) -> rotate(lane, rotaryBack, rows.dQ(), rows.dK(), row));
  }

  private static void add(Linears to, Parameters parameters, String name, Tile y, Tile dy) {
    to.add(parameters.get(name), parameters.find(name + " bias"), y, dy);
  }

  /** Returns the angles of the positions 0…T−1, or of the same turned back. */
  private Rotary rotary(int tokens, int sign) {
    Rotation rope = new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, config.ropeBase());
    double[] frequencies = rope.frequencies(config.headWidth());
    Arrays.setAll(frequencies, i -> sign * frequencies[i]);
    Rotary turned = new Rotary(engine.type(), frequencies, 1, tokens);
    turned.start(0, 0, tokens);
    return turned;
  }

  @Override
  public void forward(Segment segment) {
    sight.take(segment);
    inputs.forward();
    rotate.run();
    engine.run(parts, attend);
    output.forward();
  }

  @Override
  public void backward(Segment segment) {
    sight.take(segment);
    output.backward();
    engine.run(parts, attendBack);
    rotateBack.run();
    inputs.backward();
  }

  private void rotate(Lane lane, Rotary by, RowView queries, RowView keys, int row) {
    Angles own = angles[lane.index()];
    by.at(0, sight.position(row), own);
    for (int h = 0; h < config.heads(); h++) {
      lane.rows().rotate(queries, 0, row, h, false, own, 1);
    }
    for (int h = 0; h < config.kvHeads(); h++) {
      lane.rows().rotate(keys, 0, row, h, false, own, 1);
    }
  }

  private void attend(Lane lane, int index) {
    int b = index / config.kvHeads();
    onLanes[lane.index()].forward(rows, sight, b, index % config.kvHeads(), group());
  }

  private void attendBack(Lane lane, int index) {
    int b = index / config.kvHeads();
    onLanes[lane.index()].backward(rows, sight, b, index % config.kvHeads(), group());
  }

  private int group() {
    return config.heads() / config.kvHeads();
  }
}
