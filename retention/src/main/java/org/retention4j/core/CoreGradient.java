package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.form.Tape;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;

/**
 * The way back through the bare core: key/value heads on lanes, the heads that share one in turn.
 */
final class CoreGradient implements AutoCloseable {
  private final Engine engine;
  private final RetentionCall call;
  private final RetentionState state;
  private final int heads;
  private final int kvHeads;
  private final int[] lengths;
  private final Decays[] decays;
  private final HeadGradient[] kernels;
  private final HeadSlice[] slices;
  private final GradientSlice[] gradients;
  private final Buffers[] tapes;
  private final INDArray dq;
  private final INDArray dk;
  private final INDArray dv;
  private final INDArray dg;
  private final RowView decayRows;

  /** (B·H) sums of the gradients of log decays over a row's tokens. */
  private final double[] rowSums;

  private RetentionState stateGradient;

  /** Binds; all was checked. */
  CoreGradient(
      Engine engine,
      RetentionForm form,
      RetentionCall call,
      RetentionState initial,
      INDArray dOutput) {
    record Key(RetentionForm form, int keyWidth, int valueWidth) {}

    this.engine = engine;
    this.call = call;
    heads = initial.heads();
    kvHeads = (int) call.k().size(2);
    lengths = call.lengths();
    rowSums = new double[lengths.length * heads];
    int keyWidth = initial.keyWidth();
    int valueWidth = initial.valueWidth();
    // Before anything is held: a form may have no backward pass.
    kernels =
        engine.perLane(
            new Key(form, keyWidth, valueWidth),
            lane -> form.prepareGradient(lane, keyWidth, valueWidth),
            new HeadGradient[0]);
    state = initial.copy();
    dq = Nd4j.create(engine.dataType(), call.q().shape());
    dk = Nd4j.create(engine.dataType(), call.k().shape());
    dv = Nd4j.create(engine.dataType(), call.v().shape());
    dg = Nd4j.create(engine.dataType(), call.q().size(0), call.q().size(1), heads, 1);
    decayRows = NdArrays.view(dg);
    RowView q = NdArrays.view(call.q());
    RowView k = NdArrays.view(call.k());
    RowView v = NdArrays.view(call.v());
    RowView dOut = NdArrays.view(dOutput);
    RowView[] to = {NdArrays.view(dq), NdArrays.view(dk), NdArrays.view(dv)};
    int tokens = (int) call.q().size(1);
    slices = new HeadSlice[kernels.length];
    gradients = new GradientSlice[kernels.length];
    tapes = new Buffers[kernels.length];
    decays = new Decays[kernels.length];
    for (int i = 0; i < kernels.length; i++) {
      tapes[i] = engine.newBuffers();
      slices[i] = new HeadSlice(q, k, v, dOut, call.scale());
      gradients[i] = new GradientSlice(dOut, to[0], to[1], to[2], tokens, new Tape(tapes[i]));
      decays[i] = call.decay().decays().withResets(call.resets().rows());
      decays[i].startAt(0);
      slices[i].decays(decays[i]);
    }
  }

  RetentionCore.Gradient backward(INDArray dFinalState) {
    decays[0].check(lengths);
    try (RetentionState ofState =
        RetentionState.of(engine, dFinalState, new long[lengths.length], state.convention())) {
      stateGradient = ofState;
      engine.exclusively(() -> engine.run(lengths.length * kvHeads, this::backwardHeads));
      INDArray decayGradient = dg.reshape(dg.size(0), dg.size(1), heads);
      boolean constant = call.decay() instanceof LogDecay.PerHead;
      return new RetentionCore.Gradient(
          dq, dk, dv, constant ? sums() : decayGradient, ofState.toArray());
    }
  }

  /** Returns (H) sums over the rows, which are rounded here and not before. */
  private INDArray sums() {
    double[] all = new double[heads];
    for (int i = 0; i < rowSums.length; i++) {
      all[i % heads] += rowSums[i];
    }
    return Nd4j.createFromArray(all).castTo(engine.dataType());
  }

  private void backwardHeads(Lane lane, int index) {
    int b = index / kvHeads;
    int kvHead = index % kvHeads;
    int group = heads / kvHeads;
    if (lengths[b] == 0) {
      return;
    }
    for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
      HeadSlice slice = slices[lane.index()].at(b, h, kvHead, lengths[b], state.head(b, h));
      GradientSlice gradient = gradients[lane.index()].at(stateGradient.head(b, h));
      kernels[lane.index()].backward(slice, gradient);
      double[] one = new double[1];
      for (int t = 0; t < lengths[b]; t++) {
        one[0] = gradient.logDecay()[t];
        rowSums[b * heads + h] += one[0];
        decayRows.writeWide(b, t, h, one);
      }
    }
  }

  @Override
  public void close() {
    state.close();
    for (Buffers tape : tapes) {
      tape.close();
    }
  }

  @Override
  public String toString() {
    return "gradients of retention, lengths " + Arrays.toString(lengths);
  }
}
