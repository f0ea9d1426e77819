package org.retention4j.engine.ops;

/**
 * Tiles that bindings share which never run side by side, the layers of a stack for instance: after
 * {@link #rewind()} the same requests get the same memory again.
 *
 * <p>What a binding finds in it is undefined. Used by one thread at a time; closing twice does no
 * harm.
 *
 * @since 0.1
 */
public interface Scratch extends AutoCloseable {
  /** Returns a tile that nobody else has been given since the last rewind. */
  Tile tile(int rows, int columns);

  /** Takes back all that was given out: the next binding may have it too. */
  void rewind();

  /** Returns the bytes held. */
  long bytes();

  @Override
  void close();
}
