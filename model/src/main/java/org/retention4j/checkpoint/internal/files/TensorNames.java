package org.retention4j.checkpoint.internal.files;

/**
 * What tensors files hold.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface TensorNames {
  /** Nothing: each tensor has the name under which it is written. */
  TensorNames NOTHING = (name, rows) -> false;

  /** Any number of rows. */
  long ANY = -1;

  /**
   * Returns whether there is such a tensor.
   *
   * @param rows of how many rows, or {@link #ANY} of them
   */
  boolean test(String name, long rows);

  /** Returns whether there is a tensor of that name. */
  default boolean has(String name) {
    return test(name, ANY);
  }
}
