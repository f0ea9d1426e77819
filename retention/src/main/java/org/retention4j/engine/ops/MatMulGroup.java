package org.retention4j.engine.ops;

/**
 * Products of one tile with several weight matrices, which the lanes share out as one task: y ←
 * activation(x·Wᵀ), or the gated product of two. Bound once; running it allocates nothing.
 *
 * @since 0.1
 */
public interface MatMulGroup {
  /**
   * Adds y ← activation(x·Wᵀ).
   *
   * @param w (out,in)
   * @param y (M,out)
   * @throws IllegalArgumentException if the shapes do not join
   */
  MatMulGroup add(PackedMatrix w, Tile y, Activation activation);

  /**
   * Adds y ← activation(x·Gᵀ) ⊙ (x·Uᵀ).
   *
   * @param gate G, (out,in)
   * @param up U, (out,in)
   * @param y (M,out)
   * @param upTile (M,out), receives x·Uᵀ
   * @param activation of x·Gᵀ
   * @throws IllegalArgumentException if the shapes do not join
   */
  MatMulGroup addGated(
      PackedMatrix gate, PackedMatrix up, Tile y, Tile upTile, Activation activation);

  /** Computes all of them from what stands in x now. */
  void run();

  /** Returns the implementation of the last product, as oneDNN names it. */
  String implementation();
}
