package org.retention4j.engine;

/**
 * One worker's view of the engine: scratch of its own and the arithmetic of retention on rows,
 * tiles and head states. All shapes are in elements; T counts tokens of one sequence.
 *
 * <p>A lane is used by one thread at a time, inside {@link Engine#run}. Its operations allocate
 * nothing; making tiles and products does, and belongs in a form's preparation. Shapes were checked
 * when tiles and products were made; nothing is checked here again.
 */
public abstract sealed class Lane permits Float32Lane, Float64Lane {
  private final int index;
  final Arena arena;

  Lane(int index, Arena arena) {
    this.index = index;
    this.arena = arena;
  }

  /** Returns this lane's number, from 0 to {@link Engine#threads()} − 1. */
  public final int index() {
    return index;
  }

  /** Returns zeroed scratch that lives as long as the engine. */
  public abstract Tile tile(int rows, int columns);

  /**
   * Prepares c ← a·b, or c ← c + a·b.
   *
   * @param a (M,N), or (N,M) when {@code transposeA}
   * @param b (N,P), or (P,N) when {@code transposeB}
   * @param c (M,P)
   * @throws IllegalArgumentException if the shapes do not join
   */
  public abstract Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);

  /**
   * dst[i,:] ← factors[i]·src[batch, token+i, head, :] for i < n; rows n… become zero.
   *
   * @param factors null for none
   * @return whether all n rows are finite
   */
  public abstract boolean load(
      Rows src, int batch, long token, int head, int n, double[] factors, Tile dst);

  /** out[batch, token+i, head, :] ← scale·src[i,:] for i < n. */
  public abstract void store(
      Tile src, int n, double scale, Rows out, int batch, long token, int head);

  /** out[batch, token+i, head, :] ← 0 for i < n. */
  public abstract void storeZeros(Rows out, int batch, long token, int head, int n);

  /** dst[i,:] ← factors[i]·src[i,:] for i < n; rows n… become zero. */
  public abstract void scaleRows(Tile src, int n, double[] factors, Tile dst);

  /**
   * a[i,j] ← e^(g[j+1]+…+g[i])·a[i,j] for j ≤ i < n and 0 elsewhere, never by multiplying with 0.
   *
   * @param logDecay g of each token
   * @param uniform whether all g are equal, so that n exponentials do
   */
  public abstract void causalDecay(Tile a, int n, double[] logDecay, boolean uniform);

  /** c[i,:] ← c[i,:] + Σ_{j≤i} a[i,j]·b[j,:] for i < n, touching no b[j,:] with j > i. */
  public final void addCausalProduct(Tile a, Tile b, int n, Tile c) {
    addBandProduct(a, b, n, 0, n, c);
  }

  /**
   * c[i,:] ← c[i,:] + Σ_j a[i,j]·b[j,:] for i < n over the rows j of b with i + diagonal − width <
   * j ≤ i + diagonal, touching no other: 0·NaN would not be 0.
   */
  public abstract void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c);

  /** a ← 0. */
  public abstract void clear(Tile a);

  /** dst ← S; pending tokens of the state are folded first. */
  public abstract void readState(HeadState state, Tile dst);

  /**
   * S ← e^g·S + update, with the digits of e^g kept as {@link StateDecay} says.
   *
   * @param logDecay g ≤ 0
   * @param mirror receives the new S as well, or null
   */
  public abstract void decayAndAdd(HeadState state, double logDecay, Tile update, Tile mirror);

  /** S ← e^g·S + kᵀv for one token; may be kept pending inside the state. */
  public abstract void append(
      HeadState state, double logDecay, Rows k, Rows v, int batch, long token, int kvHead);

  /** out ← scale·q S for one token. */
  public abstract void readout(
      HeadState state, double scale, Rows q, Rows out, int batch, long token, int head);

  /**
   * Rotates row (batch, token, head) in place and multiplies it by {@code factor}.
   *
   * @param interleaved pairs (2i,2i+1) instead of (i, i+K/2)
   * @param angles K/2 of this engine's type
   */
  public abstract void rotate(
      Rows x, int batch, long token, int head, boolean interleaved, Angles angles, double factor);

  /** x[batch, token, head, :] ← factor·x[batch, token, head, :]. */
  public abstract void scale(Rows x, int batch, long token, int head, double factor);

  /**
   * out ← weight ⊙ (factor·x) / √(mean((factor·x)²) + eps), the RMS norm of one row.
   *
   * @param weight W weights, or null for none
   * @param gate a row to multiply the result with, or null
   */
  public abstract void rmsNorm(
      Rows x,
      double factor,
      double[] weight,
      double eps,
      Rows gate,
      Rows out,
      int batch,
      long token,
      int head);

  /** a ← a ⊙ b for one row. */
  public abstract void multiply(Rows a, Rows b, int batch, long token, int head);

  /** a ← a + b for one row. */
  public abstract void add(Rows a, Rows b, int batch, long token, int head);

  /** a ← a + b for one row. */
  public abstract void add(Rows a, double[] b, int batch, long token, int head);

  /** out[batch, token, 0, :] ← factor·row of a table. */
  public abstract void embed(
      EmbeddingTable table, int row, double factor, Rows out, int batch, long token);

  /** out[outBatch, outToken, outHead, :] ← x[batch, token, head, :]. */
  public abstract void copy(
      Rows x, int batch, long token, int head, Rows out, int outBatch, long outToken, int outHead);

  /** Prepares the softmax of each row of a tile, in place. */
  public abstract Product softmax(Tile a);

  /** a[row, from…to) ← value. */
  public abstract void fill(Tile a, int row, int from, int to, double value);

  /** Writes the key and value of one token into a cache at {@code position}. */
  public abstract void appendToCache(
      CacheHead cache, int position, Rows k, Rows v, int batch, long token, int kvHead);

  /** dst (K, block) ← the transposed keys of one block of a cache. */
  public abstract void loadKeys(CacheHead cache, int block, Tile dst);

  /** dst (block, V) ← the values of one block of a cache. */
  public abstract void loadValues(CacheHead cache, int block, Tile dst);

  /**
   * out ← softmax(scale·q Kᵀ) V of one token over the tokens from…count−1 of a cache.
   *
   * @param count greater than from
   */
  public abstract void attend(
      CacheHead cache,
      int from,
      int count,
      double scale,
      Rows q,
      Rows out,
      int batch,
      long token,
      int head);
}
