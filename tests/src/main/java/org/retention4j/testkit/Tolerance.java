package org.retention4j.testkit;

import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.core.reference.Bounds;
import org.retention4j.core.reference.RelativeError;
import org.retention4j.engine.ops.ElementType;

/**
 * How far two tensors may be apart, with the name of the comparison it belongs to.
 *
 * <p>Two things are bounded, each as a relative error ‖a−b‖/‖b‖:
 *
 * <ul>
 *   <li>each head of each sequence, all its tokens together: at most {@link #perHead()};
 *   <li>each single token of a head: at most {@link #perToken()}, four times as much, so that no
 *       wrong token hides in a norm over thousands.
 * </ul>
 *
 * <p>How errors are counted is the business of {@link RelativeError}, the bounds are those of
 * {@link Bounds}. A token's floor does not let it hide: what it admits is {@code perToken ·
 * TOKEN_FLOOR} of a usual token, 5e-7 of it in fp32.
 *
 * @param name what is compared, as messages show it
 * @param perHead bound on a head's relative error, above 0
 * @param perToken bound on a token's relative error, at least {@code perHead}
 * @since 0.1
 */
public record Tolerance(String name, double perHead, double perToken) {
  /** The part of a head's root-mean-square token norm below which no token is judged. */
  public static final double TOKEN_FLOOR = RelativeError.TOKEN_FLOOR;

  /** Up to this many tokens the tighter fp32 bound holds. */
  public static final int LONG = Bounds.LONG;

  /**
   * Checks the bounds.
   *
   * @throws IllegalArgumentException unless 0 &lt; perHead ≤ perToken, both finite
   */
  public Tolerance {
    if (!(perHead > 0) || !(perToken >= perHead) || Double.isInfinite(perToken)) {
      throw new IllegalArgumentException(
          "expected 0 < perHead <= perToken, got perHead " + perHead + " and perToken " + perToken);
    }
  }

  /**
   * Returns a tolerance of another name and bound, with four times the bound for a single token.
   *
   * @param perHead above 0
   */
  public static Tolerance of(String name, double perHead) {
    return new Tolerance(name, perHead, Bounds.TOKEN_FACTOR * perHead);
  }

  /**
   * Returns the bound of a form, before the head norm and states included, against the float64
   * reference on the same q, k and v, see {@link Bounds#core}.
   *
   * @param type DOUBLE or FLOAT, what the form computes in
   * @param constantDecay whether the log decay is constant per head
   * @param tokens T, at least 0, counted from where the state was zero or given
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance reference(DataType type, boolean constantDecay, long tokens) {
    return of(name(type, constantDecay, tokens), Bounds.core(type(type), constantDecay, tokens));
  }

  /**
   * Returns the bound between two forms, any split and any chunk size, see {@link Bounds#forms}.
   *
   * @param type DOUBLE or FLOAT
   * @param constantDecay whether the log decay is constant per head
   * @param tokens T, at least 0
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance forms(DataType type, boolean constantDecay, long tokens) {
    String name = "two forms, " + name(type, constantDecay, tokens);
    return of(name, Bounds.forms(type(type), constantDecay, tokens));
  }

  /**
   * Returns the bound of a whole block from x to y against the float64 reference on the same
   * weights, fp32 or bf16, see {@link Bounds#model}.
   *
   * @param type DOUBLE or FLOAT
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance block(DataType type) {
    double bound = Bounds.model(type(type));
    return of(type == DataType.DOUBLE ? "float64 block" : "fp32 block", bound);
  }

  private static String name(DataType type, boolean constantDecay, long tokens) {
    if (type == DataType.DOUBLE) {
      return "float64 core, " + (constantDecay ? "constant decay" : "per-token decay");
    }
    return "fp32 core, " + (tokens <= LONG ? "up to " : "more than ") + LONG + " tokens";
  }

  private static ElementType type(DataType type) {
    return switch (type) {
      case DOUBLE -> ElementType.FLOAT64;
      case FLOAT -> ElementType.FLOAT32;
      default -> throw new IllegalArgumentException("expected DOUBLE or FLOAT, got " + type);
    };
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s (%.1e per head, %.1e per token)", name, perHead, perToken);
  }
}
