package org.retention4j.nn;

import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/**
 * A piece of a batch of sequences as tiles: row b·N+t is token t of sequence b.
 *
 * @param batch B
 * @param tokens N, the most tokens of a row in one run, at least 1
 * @param x inputs (B·N, D)
 * @param y receives outputs (B·N, D)
 * @param scratch gives what bindings may share that never run side by side
 * @param bfloat16Products whether products with bf16 weights may round their other operand to bf16
 *     when there are many rows and the processor has such products
 * @since 0.1
 */
public record MicroBatch(
    int batch, int tokens, Tile x, Tile y, Scratch scratch, boolean bfloat16Products) {
  /** Checks the sizes. */
  public MicroBatch {
    if (batch < 1 || tokens < 1) {
      throw new IllegalArgumentException(
          "expected batch >= 1 and tokens >= 1, got " + batch + " and " + tokens);
    }
  }

  /** Returns the number of rows B·N. */
  public int rows() {
    return batch * tokens;
  }

  /** Begins products of a tile as this micro-batch wants them. */
  public MatMulGroup matMuls(Engine engine, Buffers owner, Tile from) {
    return engine.matMuls(owner, scratch, from, bfloat16Products);
  }
}
