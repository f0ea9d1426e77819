package org.retention4j.engine.ops;

/**
 * Owns the tiles of a binding and frees them together. Closing twice does no harm; use after close
 * is an {@link IllegalStateException}.
 *
 * @since 0.1
 */
public interface Buffers extends AutoCloseable {
  /** Returns a zeroed tile. */
  Tile tile(int rows, int columns);

  /**
   * Records heap memory that lives as long as these buffers.
   *
   * @param bytes negative for what was recorded and is given up before
   */
  void account(long bytes);

  /** Returns the bytes held. */
  long bytes();

  @Override
  void close();
}
