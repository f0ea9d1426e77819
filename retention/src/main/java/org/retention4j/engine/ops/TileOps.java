package org.retention4j.engine.ops;

/**
 * Arithmetic on tiles: products, and what happens to their operands and results row by row.
 *
 * @since 0.1
 */
public interface TileOps {
  /** Returns zeroed scratch that lives as long as the engine. */
  Tile tile(int rows, int columns);

  /**
   * Returns the same arithmetic with {@link #operand}s rounded to bf16, whose products have sums
   * and results of the engine's type: faster and less exact. Itself in float64, where the processor
   * has no such products, and where they would be no faster.
   */
  default TileOps bfloat16() {
    return this;
  }

  /**
   * Returns zeroed scratch that products read and never write; where it is rounded, it has no
   * {@link Tile#asRows}.
   */
  default Tile operand(int rows, int columns) {
    return tile(rows, columns);
  }

  /**
   * Returns a tile of an operand's shape that products write, from where {@link #copy} brings it to
   * the operand: the operand itself where it is of the type of results.
   */
  default Tile result(Tile operand) {
    return operand;
  }

  /**
   * Prepares c ← a·b, or c ← c + a·b.
   *
   * @param a (M,N), or (N,M) when {@code transposeA}
   * @param b (N,P), or (P,N) when {@code transposeB}
   * @param c (M,P)
   * @throws IllegalArgumentException if the shapes do not join
   */
  Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);

  /**
   * dst[i,:] ← src[batch, token+i, head, :] for i &lt; n; rows n… become zero.
   *
   * @return whether all n rows are finite
   */
  boolean load(RowView src, int batch, long token, int head, int n, Tile dst);

  /**
   * dst[i,:] ← factors[i]·src[batch, token+i, head, :] for i &lt; n; rows n… become zero.
   *
   * @return whether all n rows of src are finite
   */
  boolean load(RowView src, int batch, long token, int head, int n, double[] factors, Tile dst);

  /** out[batch, token+i, head, :] ← scale·src[i,:] for i &lt; n. */
  void store(Tile src, int n, double scale, RowView out, int batch, long token, int head);

  /** out[batch, token+i, head, :] ← out[batch, token+i, head, :] + scale·src[i,:] for i &lt; n. */
  void addTo(Tile src, int n, double scale, RowView out, int batch, long token, int head);

  /** sums[at+i] ← sums[at+i] + factor·⟨a[i,:], b[i,:]⟩ for i &lt; n, the sums in double. */
  void addRowDots(Tile a, Tile b, int n, double factor, double[] sums, int at);

  /** dst[i,:] ← factors[i]·src[i,:] for i &lt; n; rows n… become zero. */
  void scaleRows(Tile src, int n, double[] factors, Tile dst);

  /**
   * a[i,j] ← e^(g[j+1]+…+g[i])·a[i,j] for j ≤ i &lt; n and 0 elsewhere, never by multiplying with
   * 0.
   *
   * @param logDecay g of each token
   * @param uniform whether all g are equal, so that n exponentials do
   */
  void causalDecay(Tile a, int n, double[] logDecay, boolean uniform);

  /**
   * Does the same for tokens of several segments: a[i,j] ← 0 where j &lt; starts[i], whatever it
   * was.
   *
   * @param starts the first token of each token's segment, 0 … i; the g of those firsts are not
   *     used
   */
  void causalDecay(Tile a, int n, double[] logDecay, boolean uniform, int[] starts);

  /** c[i,:] ← c[i,:] + Σ_{j≤i} a[i,j]·b[j,:] for i &lt; n, touching no b[j,:] with j &gt; i. */
  default void addCausalProduct(Tile a, Tile b, int n, Tile c) {
    addBandProduct(a, b, n, 0, n, c);
  }

  /**
   * c[i,:] ← c[i,:] + Σ_j a[i,j]·b[j,:] for i &lt; n over the rows j of b with i + diagonal − width
   * &lt; j ≤ i + diagonal, touching no other: 0·NaN would not be 0.
   */
  void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c);

  /**
   * c[j,:] ← c[j,:] + Σ_{i≥j} a[i,j]·b[i,:] for j ≤ i &lt; n: the way back of {@link
   * #addCausalProduct}, touching no b[i,:] with i &lt; j.
   */
  void addCausalTranspose(Tile a, Tile b, int n, Tile c);

  /** Returns whether all elements are finite. */
  boolean allFinite(Tile a);

  /** dst ← src, of the same shape; nothing where both are one tile. */
  void copy(Tile src, Tile dst);

  /** a ← 0. */
  void clear(Tile a);

  /** Prepares the softmax of each row of a tile, in place. */
  Product softmax(Tile a);

  /** a[row, from…to) ← value. */
  void fill(Tile a, int row, int from, int to, double value);
}
