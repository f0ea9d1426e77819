package org.retention4j.model.mixer;

import org.retention4j.core.reference.RelativeError;

/**
 * How far one outcome is from another.
 *
 * @param outputs per head and per token
 * @param states per head; none where there is no state
 * @since 0.1
 */
public record OutcomeError(RelativeError outputs, RelativeError states) {
  /** No difference. */
  public static final OutcomeError NONE = new OutcomeError(RelativeError.NONE, RelativeError.NONE);

  /** Returns the error of a outcome against what it is held to. */
  public static OutcomeError of(Outcome measured, Outcome held) {
    RelativeError states =
        measured.state().isEmpty()
            ? RelativeError.NONE
            : RelativeError.ofStates(measured.state().get(), held.state().orElseThrow());
    return new OutcomeError(RelativeError.ofTokens(measured.output(), held.output()), states);
  }

  /** Returns the larger of each. */
  public OutcomeError orWorse(OutcomeError other) {
    return new OutcomeError(outputs.orWorse(other.outputs), states.orWorse(other.states));
  }

  /** Returns whether outputs, single tokens and states are within a bound. */
  public boolean within(double bound) {
    return outputs.within(bound) && states.within(bound);
  }
}
