package org.retention4j.recurrent;

import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;

/**
 * The recurrence itself, token by token (arXiv 2307.08621, equation 6):
 *
 * <pre>S ← e^g S + kᵀv        o = scale · q S</pre>
 *
 * <p>The form for decoding: its cost per token does not depend on the position. In fp32 the state
 * keeps the last few (k, v) rows aside and folds them in together, so that decoding reads S once
 * per token and writes it once per sixteen; the results are the recurrence's to rounding.
 *
 * @since 0.1
 */
public record RecurrentForm() implements RetentionForm {
  @Override
  public String name() {
    return "recurrent";
  }

  @Override
  public MicroBatches microBatches() {
    return MicroBatches.FULL;
  }

  @Override
  public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
    double[] logDecay = new double[1];
    return slice -> advance(lane, slice, logDecay);
  }

  @Override
  public HeadGradient prepareGradient(Lane lane, int keyWidth, int valueWidth) {
    return new RecurrentGradient(lane, keyWidth, valueWidth);
  }

  private static void advance(Lane lane, HeadSlice slice, double[] logDecay) {
    for (int t = 0; t < slice.tokens(); t++) {
      slice.decays().each(t, 1, logDecay);
      if (slice.decays().nextReset(t, t + 1) == t) {
        lane.state().clear(slice.state());
        logDecay[0] = 0;
      }
      lane.state()
          .append(slice.state(), logDecay, slice.k(), slice.v(), slice.batch(), t, slice.kvHead());
      lane.state()
          .readout(
              slice.state(), slice.scale(), slice.q(), slice.out(), slice.batch(), t, slice.head());
    }
  }
}
