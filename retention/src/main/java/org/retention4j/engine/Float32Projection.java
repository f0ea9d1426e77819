package org.retention4j.engine;

/** A projection whose parts are blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Matrix weights;
  private final ProjectionPart[] parts;
  private final Float32Tile[] results;

  /**
   * Binds.
   *
   * @param block output features of a part, see {@link Float32Matrix#block}
   */
  Float32Projection(
      Arena arena,
      Scratch scratch,
      Operand x,
      Float32Matrix w,
      int block,
      Float32Tile y,
      Activation f) {
    w.checkOpen();
    weights = w;
    parts = new ProjectionPart[(w.outputs() + block - 1) / block];
    results = new Float32Tile[parts.length];
    for (int i = 0; i < parts.length; i++) {
      int from = i * block;
      int columns = Math.min(block, w.outputs() - from);
      results[i] = (Float32Tile) y.part(0, y.rows(), from, columns);
      parts[i] = w.part(arena, scratch, x, from, results[i], f);
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
  public Tile result(int part) {
    return results[part];
  }

  @Override
  public String implementation() {
    return parts[0].implementation();
  }
}
