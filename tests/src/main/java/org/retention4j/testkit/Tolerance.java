package org.retention4j.testkit;

import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;

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
 * <p>A token's error is relative to that token's own norm, but to no less than {@link #TOKEN_FLOOR}
 * of the head's root-mean-square token norm. Where the terms of a token cancel (which happens by
 * chance at V = 1, where a token is one number) its own norm says nothing about the size of what
 * was rounded, and an exact implementation would fail. The floor does not let a token hide: what it
 * admits is {@code perToken · TOKEN_FLOOR} of a usual token, 5e-7 of it in fp32.
 *
 * <p>A head that should be zero must be zero: no error is small relative to nothing.
 *
 * @param name what is compared, as messages show it
 * @param perHead bound on a head's relative error, above 0
 * @param perToken bound on a token's relative error, at least {@code perHead}
 */
public record Tolerance(String name, double perHead, double perToken) {
  /** The part of a head's root-mean-square token norm below which no token is judged. */
  public static final double TOKEN_FLOOR = 1.0 / 16;

  /** Up to this many tokens the tighter fp32 bound holds. */
  public static final int LONG = 4096;

  private static final double TOKEN_FACTOR = 4;

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
    return new Tolerance(name, perHead, TOKEN_FACTOR * perHead);
  }

  /**
   * Returns the bound of a form, before the head norm and states included, against the float64
   * reference on the same q, k and v: 1e-13 (1e-12 with per-token decay) in float64, 2e-6 in fp32
   * up to {@value #LONG} tokens and 5e-6 beyond.
   *
   * @param type DOUBLE or FLOAT, what the form computes in
   * @param constantDecay whether the log decay is constant per head
   * @param tokens T, at least 0, counted from where the state was zero or given
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance reference(DataType type, boolean constantDecay, long tokens) {
    requireFloatingType(type);
    if (type == DataType.DOUBLE) {
      return constantDecay
          ? of("float64 core, constant decay", 1e-13)
          : of("float64 core, per-token decay", 1e-12);
    }
    return tokens <= LONG
        ? of("fp32 core, up to " + LONG + " tokens", 2e-6)
        : of("fp32 core, more than " + LONG + " tokens", 5e-6);
  }

  /**
   * Returns the bound between two forms, any split and any chunk size: in float64 as for {@link
   * #reference}; in fp32 twice that, for each of the two may be off to its own side.
   *
   * @param type DOUBLE or FLOAT
   * @param constantDecay whether the log decay is constant per head
   * @param tokens T, at least 0
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance forms(DataType type, boolean constantDecay, long tokens) {
    Tolerance one = reference(type, constantDecay, tokens);
    return type == DataType.DOUBLE
        ? of("two forms, " + one.name(), one.perHead())
        : of("two forms, " + one.name(), 2 * one.perHead());
  }

  /**
   * Returns the bound of a whole block from x to y against the float64 reference on the same
   * weights: 1e-12 in float64, 5e-6 in fp32 (with fp32 or bf16 weights).
   *
   * @param type DOUBLE or FLOAT
   * @throws IllegalArgumentException for another type
   */
  public static Tolerance block(DataType type) {
    requireFloatingType(type);
    return type == DataType.DOUBLE ? of("float64 block", 1e-12) : of("fp32 block", 5e-6);
  }

  private static void requireFloatingType(DataType type) {
    if (type != DataType.DOUBLE && type != DataType.FLOAT) {
      throw new IllegalArgumentException("expected DOUBLE or FLOAT, got " + type);
    }
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s (%.1e per head, %.1e per token)", name, perHead, perToken);
  }
}
