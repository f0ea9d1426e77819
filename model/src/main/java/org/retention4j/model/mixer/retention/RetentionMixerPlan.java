package org.retention4j.model.mixer.retention;

import java.util.Locale;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionPlan;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.StateConvention;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.MicroBatch;

/** A block of retention bound to its tiles. */
final class RetentionMixerPlan implements MixerPlan {
  private final RetentionConfig config;
  private final StateConvention convention;
  private final ElementType type;
  private final RetentionPlan pass;
  private final int batch;

  RetentionMixerPlan(RetentionWeights weights, RetentionForm form, MicroBatch piece) {
    config = weights.config();
    convention = config.stateConvention();
    type = weights.engine().type();
    pass = new RetentionPlan(weights.engine(), weights, form, piece);
    batch = piece.batch();
  }

  @Override
  public void check(MixerState state, int[] counts) {
    RetentionState given = checked(state);
    if (given.batch() != batch) {
      throw misfit(given);
    }
  }

  @Override
  public void run(MixerState state, int[] counts, Resets resets, int first) {
    pass.run(checked(state), counts, resets, first);
  }

  private RetentionState checked(MixerState any) {
    if (!(any instanceof RetentionMixerState own) || !own.state().convention().equals(convention)) {
      throw new IllegalArgumentException(
          "expected the state of a retention mixer of this configuration, got " + any);
    }
    RetentionState s = own.state();
    if (s.closed()) {
      throw new IllegalArgumentException("expected an open state, got a closed one");
    }
    if (s.batch() < batch
        || s.heads() != config.heads()
        || s.keyWidth() != config.keyWidth()
        || s.valueWidth() != config.valueWidth()
        || s.type() != type) {
      throw misfit(s);
    }
    return s;
  }

  private IllegalArgumentException misfit(RetentionState s) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "expected a %s state of batch %d for %d heads of %d x %d, got %s of batch %d"
                + " for %d heads of %d x %d",
            type,
            batch,
            config.heads(),
            config.keyWidth(),
            config.valueWidth(),
            s.type(),
            s.batch(),
            s.heads(),
            s.keyWidth(),
            s.valueWidth()));
  }

  @Override
  public String implementation() {
    return pass.implementation();
  }

  @Override
  public void close() {
    pass.close();
  }
}
