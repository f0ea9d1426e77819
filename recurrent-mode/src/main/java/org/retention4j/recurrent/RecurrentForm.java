package org.retention4j.recurrent;

import org.retention4j.core.HeadPass;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Lane;
import org.retention4j.nn.MicroBatches;

/**
 * The recurrence itself, token by token (arXiv 2307.08621, equation 6):
 *
 * <pre>S ← e^g S + kᵀv        o = scale · q S</pre>
 *
 * <p>The form for decoding: its cost per token does not depend on the position. In fp32 the state
 * keeps the last few (k, v) rows aside and folds them in together, so that decoding reads S once
 * per token and writes it once per sixteen; the results are the recurrence's to rounding.
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
    return pass -> advance(lane, pass);
  }

  private static void advance(Lane lane, HeadPass pass) {
    for (int t = 0; t < pass.tokens(); t++) {
      lane.append(
          pass.state(), pass.logDecay(t), pass.k(), pass.v(), pass.batch(), t, pass.kvHead());
      lane.readout(pass.state(), pass.scale(), pass.q(), pass.out(), pass.batch(), t, pass.head());
    }
  }
}
