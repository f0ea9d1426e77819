package org.retention4j.engine;

/** A projection whose parts are the weight's blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Matrix weights;
  private final ProjectionPart[] parts;

  Float32Projection(
      Arena arena, Scratch scratch, Operand x, Float32Matrix w, Float32Tile y, Activation f) {
    w.checkOpen();
    weights = w;
    parts = new ProjectionPart[(w.outputs() + Float32Matrix.BLOCK - 1) / Float32Matrix.BLOCK];
    for (int i = 0; i < parts.length; i++) {
      int from = i * Float32Matrix.BLOCK;
      int columns = Math.min(Float32Matrix.BLOCK, w.outputs() - from);
      Float32Tile to = (Float32Tile) y.part(0, y.rows(), from, columns);
      parts[i] = w.part(arena, scratch, x, i, to, f);
    }
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
