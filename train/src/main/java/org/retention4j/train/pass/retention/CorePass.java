package org.retention4j.train.pass.retention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.form.Tape;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * The core of retention over a segment, head by head on lanes: q, k, v and the state that comes in
 * to o, and back. What leaves a segment becomes what comes into the next one when the way back is
 * done, which needs the old; no gradient crosses.
 */
final class CorePass {
  private static final double[] NO_DECAY = {0};

  /**
   * Rows of the core, or of its gradients.
   *
   * @param q (B,T,H,K)
   * @param k (B,T,H_kv,K)
   * @param v (B,T,H_kv,V)
   * @param o (B,T,H,V)
   */
  record CoreRows(RowView q, RowView k, RowView v, RowView o) {}

  /** What a lane has for heads of a shape, whichever layer they belong to. */
  private record Tools(
      HeadKernel kernel,
      HeadGradient gradient,
      HeadState state,
      HeadState stateGradient,
      Tape tape) {}

  /** What tools depend on; those of one owner are freed with it. */
  private record Key(RetentionForm form, Buffers owner, int keyWidth, int valueWidth) {}

  private final Engine engine;
  private final RetentionConfig config;
  private final CoreRows gradients;
  private final int batch;
  private final int tokens;
  private final Tools[] tools;
  private final HeadSlice[] slices;
  private final GradientSlice[] gradientSlices;
  private final Decays[] constants;

  /** By group (B·H·K,V): the states that come in. */
  private final Tile[] carried;

  /** By group and b·H+h (K,V). */
  private final Tile[][] incoming;

  /** By b·H+h (K,V). */
  private final Tile[] outgoing;

  private final Lanes.Task advance = this::advance;
  private final Lanes.Task backward = this::backward;
  private Segment segment;

  /**
   * Binds.
   *
   * @param rows what is read, and o, which is written
   * @param gradients of o, which is read, and of the others, which are written
   */
  CorePass(PassContext context, RetentionConfig config, CoreRows rows, CoreRows gradients) {
    engine = context.engine();
    this.config = config;
    this.gradients = gradients;
    batch = context.batch();
    tokens = context.tokens();
    int keyWidth = config.keyWidth();
    int valueWidth = config.valueWidth();
    tools =
        engine.perLane(
            new Key(context.form(), context.owner(), keyWidth, valueWidth),
            lane -> tools(context, lane, keyWidth, valueWidth),
            new Tools[0]);
    slices = new HeadSlice[tools.length];
    gradientSlices = new GradientSlice[tools.length];
    constants = new Decays[tools.length];
    for (int i = 0; i < tools.length; i++) {
      slices[i] = new HeadSlice(rows.q(), rows.k(), rows.v(), rows.o(), config.outputScale());
      gradientSlices[i] =
          new GradientSlice(
                  gradients.o(),
                  gradients.q(),
                  gradients.k(),
                  gradients.v(),
                  tokens,
                  tools[i].tape())
              .withoutLogDecay();
      constants[i] = config.decay().logDecay().decays();
    }
    int stateRows = batch * config.heads() * keyWidth;
    carried = new Tile[context.groups()];
    incoming = new Tile[carried.length][];
    for (int group = 0; group < carried.length; group++) {
      carried[group] = context.owner().tile(stateRows, valueWidth);
      incoming[group] = parts(carried[group], keyWidth);
    }
    outgoing = parts(context.kept().tile(stateRows, valueWidth), keyWidth);
  }

  private static Tools tools(PassContext context, Lane lane, int keyWidth, int valueWidth) {
    HeadState state = context.engine().newState(keyWidth, valueWidth);
    HeadState gradient = context.engine().newState(keyWidth, valueWidth);
    context.owner().account(state.bytes() + gradient.bytes());
    return new Tools(
        context.form().prepare(lane, keyWidth, valueWidth),
        context.form().prepareGradient(lane, keyWidth, valueWidth),
        state,
        gradient,
        new Tape(context.owner()));
  }

  private static Tile[] parts(Tile states, int keyWidth) {
    Tile[] parts = new Tile[states.rows() / keyWidth];
    Arrays.setAll(parts, i -> states.part(i * keyWidth, keyWidth, 0, states.columns()));
    return parts;
  }

  /** Takes a segment; returns its decays and resets. */
  Decays begin(Segment next) {
    segment = next;
    int[][] resets = next.starts().isEmpty() ? null : rows(next.starts());
    Decays decays = null;
    for (int i = slices.length - 1; i >= 0; i--) {
      decays = resets == null ? constants[i] : constants[i].withResets(resets);
      slices[i].decays(decays);
    }
    return decays;
  }

  private int[][] rows(Resets starts) {
    int[][] rows = new int[batch][tokens];
    for (int b = 0; b < batch; b++) {
      int count = 0;
      for (int t = 0; t < tokens; t++) {
        if (starts.at(b, t)) {
          rows[b][count++] = t;
        }
      }
      rows[b] = Arrays.copyOf(rows[b], count);
    }
    return rows;
  }

  /** Writes o for the segment that was begun. */
  void forward() {
    engine.run(batch * config.heads(), advance);
  }

  private void advance(Lane lane, int index) {
    Tools own = tools[lane.index()];
    own.kernel().advance(slice(lane, own, index / config.heads(), index % config.heads()));
    if (segment.carry()) {
      lane.state().read(own.state(), outgoing[index]);
    }
  }

  /** Moves a lane to a head, with the state that comes into the segment. */
  private HeadSlice slice(Lane lane, Tools own, int b, int h) {
    lane.state().clear(own.state());
    if (!segment.fresh()[b]) {
      Tile state = incoming[segment.group()][b * config.heads() + h];
      lane.state().decayAndAdd(own.state(), NO_DECAY, 0, state);
    }
    int kvHead = h * config.kvHeads() / config.heads();
    return slices[lane.index()].at(b, h, kvHead, tokens, own.state());
  }

  /** Writes the gradients of q, k and v for the segment that was begun, and ends it. */
  void backward() {
    engine.run(batch * config.kvHeads(), backward);
  }

  /** Takes the heads that share a key head back, one after the other: one order of their sums. */
  private void backward(Lane lane, int index) {
    Tools own = tools[lane.index()];
    int b = index / config.kvHeads();
    int kvHead = index % config.kvHeads();
    int group = config.heads() / config.kvHeads();
    lane.rows().clear(gradients.k(), b, 0, kvHead, tokens);
    lane.rows().clear(gradients.v(), b, 0, kvHead, tokens);
    for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
      lane.state().clear(own.stateGradient());
      GradientSlice gradient = gradientSlices[lane.index()].at(own.stateGradient());
      own.gradient().backward(slice(lane, own, b, h), gradient);
      if (segment.carry()) {
        int head = b * config.heads() + h;
        Tile state = incoming[segment.group()][head];
        lane.tiles().copy(outgoing[head], state);
      }
    }
  }

  /** Returns the carried states, for each group (B·H·K,V). */
  List<TrainedTensor> carried(String prefix) {
    List<TrainedTensor> all = new ArrayList<>();
    for (int group = 0; group < carried.length; group++) {
      all.add(TileTensor.of(prefix + "state." + group, carried[group]));
    }
    return all;
  }
}
