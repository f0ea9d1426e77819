package org.retention4j.core;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.form.Decays;
import org.retention4j.engine.NdArrays;

/**
 * The log decay g of the recurrence S_t = e^(g_t) S_(t−1) + k_tᵀ v_t.
 *
 * <p>Constant per head it is RetNet (g = ln γ_h, arXiv 2307.08621); a value per token and head
 * makes it gated retention (arXiv 2405.05254).
 *
 * @since 0.1
 */
public sealed interface LogDecay permits LogDecay.PerHead, LogDecay.PerToken {
  /** Returns the decays as forms read them, for one lane. */
  Decays decays();

  /**
   * Checks the shape.
   *
   * @throws IllegalArgumentException if this is no decay for B rows of T tokens and H heads
   */
  void checkShape(long batch, long tokens, long heads);

  /** Returns whether the values share memory with an array. */
  boolean overlaps(INDArray array);

  /**
   * One constant per head.
   *
   * @param values (H), at least one, finite and ≤ 0; 0 is γ = 1, linear attention
   * @throws IllegalArgumentException for a value that is not the logarithm of a γ in (0,1]
   */
  static LogDecay perHead(double... values) {
    return new PerHead(values);
  }

  /**
   * One value per token and head.
   *
   * @param values (B,T,H), FLOAT or DOUBLE, every value of a token that is not padding ≤ 0; −∞ is a
   *     reset of that head, and of the position where all heads of a row are reset; read at each
   *     call, not copied
   * @throws IllegalArgumentException for another rank or type
   */
  static LogDecay perToken(INDArray values) {
    return new PerToken(values);
  }

  /** One constant per head. */
  record PerHead(double[] values) implements LogDecay {
    /** Checks and copies. */
    public PerHead {
      Args.present("log decays", values);
      if (values.length == 0) {
        throw new IllegalArgumentException("expected a log decay for each head, got none");
      }
      values = values.clone();
      for (int h = 0; h < values.length; h++) {
        if (!(values[h] <= 0) || Double.isInfinite(values[h])) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "expected a log decay that is finite and <= 0 (a γ in (0,1]) for head %d,"
                      + " got %s (γ = %s)",
                  h,
                  values[h],
                  Math.exp(values[h])));
        }
      }
    }

    @Override
    public double[] values() {
      return values.clone();
    }

    @Override
    public Decays decays() {
      return Decays.constant(values);
    }

    @Override
    public void checkShape(long batch, long tokens, long heads) {
      if (values.length != heads) {
        throw new IllegalArgumentException(
            "expected a log decay for " + heads + " heads, got one for " + values.length);
      }
    }

    @Override
    public boolean overlaps(INDArray array) {
      return false;
    }

    /** Returns the log decay of one head. */
    public double of(int head) {
      return values[head];
    }

    /** Returns H. */
    public int heads() {
      return values.length;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof PerHead that && Arrays.equals(values, that.values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }

    @Override
    public String toString() {
      return "LogDecay.perHead" + Arrays.toString(values);
    }
  }

  /** One value per token and head. */
  record PerToken(INDArray values) implements LogDecay {
    /** Checks rank and type; the values are checked when they are used. */
    public PerToken {
      Args.present("log decays", values);
      if (values.rank() != 3) {
        throw new IllegalArgumentException(
            "expected a log decay of shape (B,T,H), got " + Arrays.toString(values.shape()));
      }
      if (values.dataType() != DataType.FLOAT && values.dataType() != DataType.DOUBLE) {
        throw new IllegalArgumentException(
            "expected a log decay of type FLOAT or DOUBLE, got " + values.dataType());
      }
    }

    @Override
    public Decays decays() {
      return Decays.perToken(NdArrays.view(values));
    }

    @Override
    public void checkShape(long batch, long tokens, long heads) {
      if (!Arrays.equals(values.shape(), new long[] {batch, tokens, heads})) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected a log decay of shape [%d, %d, %d], got %s",
                batch,
                tokens,
                heads,
                Arrays.toString(values.shape())));
      }
    }

    @Override
    public boolean overlaps(INDArray array) {
      return NdArrays.overlap(array, values);
    }
  }
}
