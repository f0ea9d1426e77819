package org.retention4j.model;

import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.stack.StackPlan;
import org.retention4j.nn.Norm;
import org.retention4j.nn.TokenTask;

/** A stack bound to B rows of N frames: in from rows, out to rows. */
final class FramePlan implements AutoCloseable {
  /** What plans are made for: a form, B, N, and whether products may round to bf16. */
  record Key(SequenceForm form, int batch, int tokens, boolean bfloat16Products) {}

  private final StackPlan stack;
  private final Norm norm;
  private final RowView residual;
  private final TokenTask copyIn;
  private final TokenTask copyOut;
  private RowView from;
  private RowView to;
  private int first;
  private int[] counts;

  FramePlan(DecoderStack parts, Key key) {
    stack =
        new StackPlan(
            parts.engine(),
            parts.layers(),
            key.form(),
            key.batch(),
            key.tokens(),
            key.bfloat16Products());
    norm = parts.finalNorm();
    residual = stack.residual();
    copyIn = new TokenTask(parts.engine(), this::copyIn);
    copyOut = new TokenTask(parts.engine(), this::copyOut);
  }

  /**
   * Advances states over frames of each row from {@code offset} on, under the engine's lock.
   *
   * @param newCounts (B) frames of each row, 0…N
   * @param padded (B) outputs to write: those behind a row's frames become 0
   */
  void run(
      MixerState[] states,
      RowView x,
      RowView y,
      int offset,
      int[] newCounts,
      int[] padded,
      Resets resets) {
    from = x;
    to = y;
    first = offset;
    counts = newCounts;
    copyIn.run(counts);
    stack.run(states, counts, resets, offset);
    copyOut.run(padded);
    from = null;
    to = null;
  }

  private void copyIn(Lane lane, int b, int t) {
    lane.rows().copy(from, b, first + t, 0, residual, b, t, 0);
  }

  private void copyOut(Lane lane, int b, int t) {
    if (t >= counts[b]) {
      lane.rows().clear(to, b, first + t, 0, 1);
      return;
    }
    if (norm != null) {
      norm.run(lane, residual, residual, b, t, 0);
    }
    lane.rows().copy(residual, b, t, 0, to, b, first + t, 0);
  }

  /** Returns the bytes of the tiles it holds. */
  long bytes() {
    return stack.bytes();
  }

  @Override
  public void close() {
    stack.close();
  }
}
