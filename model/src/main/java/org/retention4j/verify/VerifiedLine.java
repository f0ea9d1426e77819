package org.retention4j.verify;

import org.retention4j.core.reference.RelativeError;

/**
 * What one part of a model gives in one form.
 *
 * @param layer its number; the number of layers for what follows the last one
 * @param part "core" for a mixer's core on the same inputs; "block" for what a mixer gives for the
 *     reference's inputs; "layer" for the hidden states that come out of a layer when all layers so
 *     far ran in this form and engine; "logits" for those after the last layer
 * @param form "between" for the largest difference between forms
 * @param type of the engine
 * @param output error of the outputs
 * @param state error of the state; 0 where there is none
 * @param outputBound of the outputs; of a single token four times as much
 * @param stateBound of the state
 * @since 0.1
 */
public record VerifiedLine(
    int layer,
    String part,
    String form,
    String type,
    RelativeError output,
    RelativeError state,
    double outputBound,
    double stateBound) {
  /** Returns whether the errors are within their bounds. */
  public boolean holds() {
    return output.within(outputBound) && state.within(stateBound);
  }
}
