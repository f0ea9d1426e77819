package org.retention4j.core.form;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Tile;

/**
 * Tiles by number, of one shape, made when they are first asked for: what a form keeps on its way
 * forth. Belongs to one lane.
 *
 * @since 0.1
 */
public final class Tape {
  private final Buffers buffers;
  private final List<Tile> tiles = new ArrayList<>();

  /** Makes tiles in buffers, which own them. */
  public Tape(Buffers buffers) {
    this.buffers = buffers;
  }

  /** Returns tile {@code index}, with what was last written to it. */
  public Tile tile(int index, int rows, int columns) {
    while (tiles.size() <= index) {
      tiles.add(buffers.tile(rows, columns));
    }
    return tiles.get(index);
  }
}
