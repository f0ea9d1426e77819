package org.retention4j.args;

/**
 * What every room asks of what it is given.
 *
 * @since 0.1
 */
public final class Args {
  private Args() {}

  /**
   * Returns what is there.
   *
   * @param what in words, for the message
   * @throws IllegalArgumentException for null
   */
  public static <T> T present(String what, T value) {
    if (value == null) {
      throw new IllegalArgumentException("expected " + what + ", got null");
    }
    return value;
  }
}
