package org.retention4j.core;

import java.util.Arrays;
import java.util.function.Supplier;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lane;

/** A form's kernels on each lane, led from head to head. */
final class HeadLoop {
  private final HeadKernel[] kernels;
  private final HeadSlice[] slices;
  private final int group;

  /**
   * Prepares a form on all lanes, once per engine, form and head shape.
   *
   * @param group heads that share one key/value head
   * @param slice makes a slice of the call's rows, one for each lane
   */
  HeadLoop(Engine engine, RetentionForm form, int group, Supplier<HeadSlice> slice) {
    record Key(RetentionForm form, int keyWidth, int valueWidth) {}

    this.group = group;
    slices = new HeadSlice[engine.threads()];
    Arrays.setAll(slices, i -> slice.get());
    int keyWidth = slices[0].q().width();
    int valueWidth = slices[0].v().width();
    kernels =
        engine.perLane(
            new Key(form, keyWidth, valueWidth),
            lane -> form.prepare(lane, keyWidth, valueWidth),
            new HeadKernel[0]);
  }

  /** Returns decays for each lane. */
  Decays[] perLane(LogDecay decay, Resets resets) {
    Decays[] all = new Decays[slices.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = decay.decays().withResets(resets.rows());
    }
    return all;
  }

  /** Sets whose decays count, one for each lane, with token 0 at {@code first} of T. */
  void decays(Decays[] decays, long first) {
    for (int i = 0; i < slices.length; i++) {
      decays[i].startAt(first);
      slices[i].decays(decays[i]);
    }
  }

  /** Advances head h of row b by n tokens, at least one. */
  void advance(Lane lane, RetentionState state, int b, int h, int n) {
    HeadSlice slice = slices[lane.index()].at(b, h, h / group, n, state.advancing(b, h));
    kernels[lane.index()].advance(slice);
    state.accumulateDecay(b, h, slice.decays().total(n));
  }
}
