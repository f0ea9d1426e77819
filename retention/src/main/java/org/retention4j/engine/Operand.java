package org.retention4j.engine;

/**
 * The rows of a tile as a projection's products read them: the tile itself, or a copy in a narrower
 * type that is made anew whenever the tile has changed.
 */
interface Operand {
  /** What stands in for the tile. */
  enum Kind {
    /** The tile itself. */
    DIRECT,
    /** {@link HeapRows}. */
    ROWS,
    /** {@link HeapRows} that are prepared, see {@link Int8Kernels}. */
    INT8_ROWS,
    /** {@link Bfloat16Terms}. */
    TERMS,
    /** {@link Bfloat16Operand}. */
    BFLOAT16,
    /** {@link Int8Operand}. */
    INT8
  }

  /** Returns the kind. */
  Kind kind();

  /** Returns the tile. */
  Tile tile();

  /** Returns the number of parts of the conversion, 0 if there is nothing to convert. */
  int parts();

  /** Converts one part, some rows or some of their columns. */
  void run(Lane lane, int part);

  /** The tile itself. */
  record Direct(Tile tile) implements Operand {
    @Override
    public Kind kind() {
      return Kind.DIRECT;
    }

    @Override
    public int parts() {
      return 0;
    }

    @Override
    public void run(Lane lane, int part) {}
  }
}
