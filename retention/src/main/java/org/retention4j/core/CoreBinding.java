package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;

/** The bare core on its arrays. */
final class CoreBinding implements BoundSequence {
  private final Engine engine;
  private final RetentionState state;
  private final Decays[] decays;
  private final int[] lengths;
  private final int heads;
  private final int tokens;
  private final RowView q;
  private final RowView k;
  private final RowView v;
  private final RowView out;
  private final HeadLoop loop;
  private final Lanes.Task task = this::advanceHead;
  private final Runnable advance = this::advance;
  private boolean closed;

  /** Binds; the call was checked. */
  CoreBinding(
      Engine engine, RetentionForm form, RetentionCall call, RetentionState state, INDArray out) {
    this.engine = engine;
    this.state = state;
    lengths = call.lengths();
    heads = (int) call.q().size(2);
    tokens = (int) call.q().size(1);
    q = NdArrays.view(call.q());
    k = NdArrays.view(call.k());
    v = NdArrays.view(call.v());
    this.out = NdArrays.view(out);
    int group = heads / (int) call.k().size(2);
    loop = new HeadLoop(engine, form, group, () -> new HeadSlice(q, k, v, this.out, call.scale()));
    decays = loop.perLane(call.decay(), call.resets());
    loop.decays(decays, 0);
  }

  @Override
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    q.requireOpen();
    k.requireOpen();
    v.requireOpen();
    out.requireOpen();
    CoreChecks.checkUsable(state);
    decays[0].check(lengths);
    engine.exclusively(advance);
  }

  private void advance() {
    engine.run(state.batch() * heads, task);
    for (int b = 0; b < state.batch(); b++) {
      state.advance(b, lengths[b], decays[0].lastReset(b, lengths[b]));
    }
    state.settled();
  }

  private void advanceHead(Lane lane, int index) {
    int b = index / heads;
    int h = index % heads;
    int n = lengths[b];
    if (n > 0) {
      loop.advance(lane, state, b, h, n);
    }
    if (n < tokens) {
      lane.rows().clear(out, b, n, h, tokens - n);
    }
  }

  @Override
  public String implementation() {
    return engine.kernelsName();
  }

  @Override
  public void close() {
    closed = true;
  }

  @Override
  public String toString() {
    return "retention of " + state.describe() + ", lengths " + Arrays.toString(lengths);
  }
}
