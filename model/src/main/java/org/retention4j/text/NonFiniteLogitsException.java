package org.retention4j.text;

/**
 * A model gave logits that are no numbers: its weights hold NaN, or it diverged.
 *
 * @since 0.1
 */
public final class NonFiniteLogitsException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  public NonFiniteLogitsException(double logit, String where) {
    super(
        "expected finite logits, got "
            + logit
            + " "
            + where
            + ": the weights hold NaN or the model diverged");
  }
}
