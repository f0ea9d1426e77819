package org.retention4j.engine;

/**
 * The rows of a tile as a projection's products read them: the tile itself, or a copy in a narrower
 * type that is made anew whenever the tile has changed.
 */
interface Operand {
  /** Returns the tile. */
  Tile tile();

  /** Returns the number of parts of the conversion, 0 if there is nothing to convert. */
  int parts();

  /** Converts one part, some rows. */
  void run(Lane lane, int part);

  /** The tile itself. */
  record Direct(Tile tile) implements Operand {
    @Override
    public int parts() {
      return 0;
    }

    @Override
    public void run(Lane lane, int part) {}
  }
}
