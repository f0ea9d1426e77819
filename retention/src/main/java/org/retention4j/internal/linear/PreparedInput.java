package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;

/**
 * The rows of a tile as products read them: the tile itself, or a copy in another form that is made
 * anew whenever the tile has changed.
 */
public interface PreparedInput {
  /** Returns the tile. */
  Tile tile();

  /** Returns the number of parts of the conversion, 0 if there is nothing to convert. */
  int parts();

  /** Converts one part, some rows or some of their columns. */
  void run(Lane lane, int part);

  /** The tile itself. */
  record Direct(Tile tile) implements PreparedInput {
    /** The form of a tile as it is. */
    public static final InputForm FORM = (context, x) -> new Direct(x);

    @Override
    public int parts() {
      return 0;
    }

    @Override
    public void run(Lane lane, int part) {}
  }
}
