package org.retention4j.text;

/** A model gave logits that are no numbers: its weights hold NaN, or it diverged. */
public final class NonFiniteLogitsException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  NonFiniteLogitsException(double logit, int token) {
    super(
        String.format(
            "expected finite logits, got %s at token %d: the weights hold NaN or the model"
                + " diverged",
            logit, token));
  }
}
