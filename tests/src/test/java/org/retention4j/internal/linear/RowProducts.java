package org.retention4j.internal.linear;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/** Products of rows that are given and come back as arrays. */
public final class RowProducts {
  /** What is done to the rows. */
  public interface Binding {
    /** Adds products to a group that has none; their sums go to {@code out}. */
    MatMulGroup bind(MatMulGroup products, Buffers buffers, Tile out);
  }

  private RowProducts() {}

  /** f(x·Wᵀ) of (1, rows, inputs), of one matrix; rows may be rounded to bf16 if asked for. */
  public static INDArray multiply(
      Engine engine, INDArray x, PackedMatrix w, boolean bfloat16, Activation f) {
    return multiply(
        engine, x, w.outputs(), bfloat16, (products, buffers, out) -> products.add(w, out, f));
  }

  /** (1, rows, outputs) of (1, rows, inputs), by what a binding says. */
  public static INDArray multiply(
      Engine engine, INDArray x, int outputs, boolean bfloat16, Binding binding) {
    int rows = (int) x.size(1);
    int inputs = (int) x.size(2);
    try (Buffers buffers = engine.newBuffers();
        Scratch scratch = engine.newScratch()) {
      Tile in = buffers.tile(rows, inputs);
      Tile out = buffers.tile(rows, outputs);
      copy(engine, NdArrays.view(x), in.asRows(rows, inputs), rows);
      binding.bind(engine.matMuls(buffers, scratch, in, bfloat16), buffers, out).run();
      INDArray y = Nd4j.zeros(engine.dataType(), 1, rows, outputs);
      copy(engine, out.asRows(rows, outputs), NdArrays.view(y), rows);
      return y;
    }
  }

  private static void copy(Engine engine, RowView from, RowView to, int rows) {
    engine.run(rows, (lane, i) -> lane.rows().copy(from, 0, i, 0, to, 0, i, 0));
  }
}
