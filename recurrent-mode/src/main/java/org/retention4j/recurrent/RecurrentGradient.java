package org.retention4j.recurrent;

import java.util.Arrays;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowOps;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * The way back token by token: forth once more for dq, then back with the gradient P of the state,
 * which is advanced as a state is, by q and the outputs' gradients in the place of k and v:
 *
 * <pre>
 * S_t = e^(g_t) S_(t−1) + k_tᵀ v_t       dq_t = s·do_t S_tᵀ
 * P_t = e^(g_(t+1)) P_(t+1) + s·q_tᵀ do_t    dk_t = v_t P_tᵀ    dv_t = k_t P_t
 * </pre>
 */
final class RecurrentGradient implements HeadGradient {
  private final TileOps tiles;
  private final StateOps state;
  private final RowOps rows;
  private final int keyWidth;
  private final Tile key;
  private final Tile value;
  private final Tile keyGradient;
  private final Tile valueGradient;
  private final Tile query;
  private final RowView keyRow;
  private final RowView valueRow;
  private final RowView keyGradientRow;
  private final RowView valueGradientRow;
  private final RowView queryRow;
  private final Tile s;
  private final Tile stateGradient;
  private final Tile none;
  private final double[] logDecay = new double[1];
  private final double[] dots;

  RecurrentGradient(Lane lane, int keyWidth, int valueWidth) {
    tiles = lane.tiles();
    state = lane.state();
    rows = lane.rows();
    this.keyWidth = keyWidth;
    key = tiles.tile(1, keyWidth);
    value = tiles.tile(1, valueWidth);
    query = tiles.tile(1, keyWidth);
    keyGradient = tiles.tile(1, keyWidth);
    valueGradient = tiles.tile(1, valueWidth);
    keyRow = key.asRows(1, keyWidth);
    valueRow = value.asRows(1, valueWidth);
    queryRow = query.asRows(1, keyWidth);
    keyGradientRow = keyGradient.asRows(1, keyWidth);
    valueGradientRow = valueGradient.asRows(1, valueWidth);
    s = tiles.tile(keyWidth, valueWidth);
    stateGradient = tiles.tile(keyWidth, valueWidth);
    none = tiles.tile(keyWidth, valueWidth);
    dots = new double[keyWidth];
  }

  @Override
  public void backward(HeadSlice slice, GradientSlice gradient) {
    Arrays.fill(gradient.logDecay(), 0, slice.tokens(), 0);
    for (int t = 0; t < slice.tokens(); t++) {
      forth(slice, gradient, t);
    }
    if (gradient.wantsLogDecay()) {
      endOfSegment(slice, gradient);
    }
    int end = slice.tokens();
    for (int t = slice.tokens() - 1; t >= 0; t--) {
      back(slice, gradient, t);
      if (begins(slice.decays(), t)) {
        state.clear(gradient.state());
        gradient.sumLogDecays(t, end, true);
        end = t;
      } else {
        slice.decays().each(t, 1, logDecay);
        state.decayAndAdd(gradient.state(), logDecay, 0, none);
      }
    }
    if (end > 0) {
      gradient.sumLogDecays(0, end, false);
    }
  }

  private static boolean begins(Decays decays, int t) {
    return decays.nextReset(t, t + 1) == t;
  }

  private void forth(HeadSlice slice, GradientSlice gradient, int t) {
    slice.decays().each(t, 1, logDecay);
    if (begins(slice.decays(), t)) {
      state.clear(slice.state());
      logDecay[0] = 0;
    }
    int b = slice.batch();
    int h = slice.head();
    state.append(slice.state(), logDecay, slice.k(), slice.v(), b, t, slice.kvHead());
    state.readoutKeys(slice.state(), slice.scale(), gradient.out(), gradient.q(), b, t, h);
    if (gradient.wantsLogDecay()) {
      tiles.load(slice.q(), b, t, h, 1, query);
      tiles.load(gradient.q(), b, t, h, 1, keyGradient);
      tiles.addRowDots(query, keyGradient, 1, 1, gradient.logDecay(), t);
    }
  }

  /** Adds ⟨S_T, dS_T⟩: what the last sum of log decays does to the state that leaves. */
  private void endOfSegment(HeadSlice slice, GradientSlice gradient) {
    state.read(slice.state(), s);
    state.read(gradient.state(), stateGradient);
    Arrays.fill(dots, 0);
    tiles.addRowDots(s, stateGradient, keyWidth, 1, dots, 0);
    for (double dot : dots) {
      gradient.logDecay()[slice.tokens() - 1] += dot;
    }
  }

  private void back(HeadSlice slice, GradientSlice gradient, int t) {
    int b = slice.batch();
    // P takes s·q and do as a state takes k and v.
    rows.copy(slice.q(), b, t, slice.head(), queryRow, 0, 0, 0);
    rows.scale(queryRow, 0, 0, 0, slice.scale());
    rows.copy(gradient.out(), b, t, slice.head(), valueRow, 0, 0, 0);
    logDecay[0] = 0;
    state.append(gradient.state(), logDecay, queryRow, valueRow, 0, 0, 0);
    rows.copy(slice.k(), b, t, slice.kvHead(), keyRow, 0, 0, 0);
    rows.copy(slice.v(), b, t, slice.kvHead(), valueRow, 0, 0, 0);
    state.readoutKeys(gradient.state(), 1, valueRow, keyGradientRow, 0, 0, 0);
    state.readout(gradient.state(), 1, keyRow, valueGradientRow, 0, 0, 0);
    tiles.addTo(keyGradient, 1, 1, gradient.k(), b, t, slice.kvHead());
    tiles.addTo(valueGradient, 1, 1, gradient.v(), b, t, slice.kvHead());
    if (gradient.wantsLogDecay()) {
      tiles.addRowDots(key, keyGradient, 1, -1, gradient.logDecay(), t);
    }
  }
}
