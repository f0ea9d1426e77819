package org.retention4j.internal.memory;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/** The tiles and blocks of {@link Scratch}, kept by size. */
public final class ScratchTiles implements Scratch {
  private final Arena arena;
  private final Map<Size, Shelf<Tile>> tiles = new HashMap<>();
  private final Map<Long, Shelf<BytePointer>> blocks = new HashMap<>();

  /** Makes an empty one. */
  public ScratchTiles(Arena.TileMaker maker) {
    arena = new Arena(maker);
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

  @Override
  public Tile tile(int rows, int columns) {
    Shelf<Tile> shelf = tiles.computeIfAbsent(new Size(rows, columns), size -> new Shelf<>());
    if (shelf.empty()) {
      shelf.items.add(arena.tile(rows, columns));
    }
    return shelf.items.get(shelf.used++);
  }

  /** Returns a block that nobody else has been given since the last rewind. */
  public BytePointer block(long bytes) {
    Shelf<BytePointer> shelf = blocks.computeIfAbsent(bytes, size -> new Shelf<>());
    if (shelf.empty()) {
      shelf.items.add(arena.allocate(bytes));
    }
    return shelf.items.get(shelf.used++);
  }

  @Override
  public void rewind() {
    tiles.values().forEach(shelf -> shelf.used = 0);
    blocks.values().forEach(shelf -> shelf.used = 0);
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
