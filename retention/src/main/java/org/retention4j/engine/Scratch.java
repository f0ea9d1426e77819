package org.retention4j.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;

/**
 * Tiles and blocks that bindings share which never run side by side, the layers of a stack for
 * instance: after {@link #rewind()} the same requests get the same memory again.
 *
 * <p>What a binding finds in it is undefined. Used by one thread at a time; closing twice does no
 * harm.
 */
public final class Scratch implements AutoCloseable {
  private final Engine engine;
  private final Arena arena = new Arena();
  private final Map<Size, Shelf<Tile>> tiles = new HashMap<>();
  private final Map<Long, Shelf<BytePointer>> blocks = new HashMap<>();

  /** Makes an empty one. */
  public Scratch(Engine engine) {
    this.engine = engine;
  }

  private record Size(int rows, int columns) {}

  /** The pieces of one size; the first {@code used} are given out. */
  private static final class Shelf<T> {
    private final List<T> items = new ArrayList<>();
    private int used;

    boolean empty() {
      return used == items.size();
    }
  }

  /** Returns a tile that nobody else has been given since the last rewind. */
  public Tile tile(int rows, int columns) {
    Shelf<Tile> shelf = tiles.computeIfAbsent(new Size(rows, columns), size -> new Shelf<>());
    if (shelf.empty()) {
      shelf.items.add(engine.tile(arena, rows, columns));
    }
    return shelf.items.get(shelf.used++);
  }

  /** Returns a block that nobody else has been given since the last rewind. */
  BytePointer block(long bytes) {
    Shelf<BytePointer> shelf = blocks.computeIfAbsent(bytes, size -> new Shelf<>());
    if (shelf.empty()) {
      shelf.items.add(arena.allocate(bytes));
    }
    return shelf.items.get(shelf.used++);
  }

  /** Takes back all that was given out: the next binding may have it too. */
  public void rewind() {
    tiles.values().forEach(shelf -> shelf.used = 0);
    blocks.values().forEach(shelf -> shelf.used = 0);
  }

  /** Returns the bytes held. */
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
