package org.retention4j.model.mixer;

/**
 * How configurations say what they are.
 *
 * @since 0.1
 */
public final class Wording {
  private Wording() {}

  /** Returns a number without the point where it is whole. */
  public static String number(double x) {
    return x == Math.rint(x) && Math.abs(x) < 1e15 ? Long.toString((long) x) : Double.toString(x);
  }
}
