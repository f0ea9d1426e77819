package org.retention4j.engine;

/** A projection whose parts are the weight's blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Packed weights;
  private final ProjectionPart[] parts;

  Float32Projection(
      Arena arena, Scratch scratch, Operand x, Float32Packed w, Float32Tile y, Activation f) {
    weights = w;
    OneDnn.Weights[][] blocks = w.blocks();
    parts = new ProjectionPart[blocks.length];
    for (int i = 0; i < blocks.length; i++) {
      int columns = (int) blocks[i][0].columns();
      Float32Tile to = (Float32Tile) y.part(0, y.rows(), i * Float32Packed.BLOCK, columns);
      parts[i] = part(arena, scratch, x, blocks[i], to, f);
    }
  }

  private ProjectionPart part(
      Arena arena, Scratch scratch, Operand x, OneDnn.Weights[] w, Float32Tile to, Activation f) {
    return switch (x.kind()) {
      case INT8 -> new Int8Part(arena, scratch, (Int8Operand) x, w[0], to, f);
      case TERMS -> new TermsPart(arena, scratch, (Bfloat16Terms) x, w[0], to, f);
      case BFLOAT16 -> new DirectPart(arena, scratch, (Bfloat16Operand) x, w[0], to, f);
      case DIRECT ->
          weights.paired()
              ? new RelaidPart(arena, scratch, (Float32Tile) x.tile(), w[0], to, f)
              : new DirectPart(arena, scratch, (Float32Tile) x.tile(), w, to, f);
    };
  }

  @Override
  public int parts() {
    return parts.length;
  }

  @Override
  public void run(Lane lane, int part) {
    weights.checkOpen();
    parts[part].run((Float32Lane) lane);
  }

  @Override
  public String implementation() {
    return parts[0].implementation();
  }
}
