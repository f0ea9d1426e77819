package org.retention4j.model.stack;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.WeightSpec;

/**
 * The end of a decoder: the final norm and the output matrix. Immutable and shared.
 *
 * @since 0.1
 */
public final class LmHead implements AutoCloseable {
  private final Engine engine;
  private final double[] norm;
  private final double eps;
  private final PackedMatrix output;

  /**
   * Takes over the output matrix and closes it when it is closed.
   *
   * @param norm (D) weight of the final norm
   * @param eps of the norm
   * @param output (vocabulary, D)
   */
  public LmHead(Engine engine, double[] norm, double eps, PackedMatrix output) {
    WeightSpec.norm("final norm", output.inputs()).check(norm);
    this.engine = engine;
    this.norm = norm.clone();
    this.eps = eps;
    this.output = output;
  }

  /** Returns the weight of the final norm; not to be changed. */
  public double[] norm() {
    return norm;
  }

  /** Returns the number of tokens that it tells apart. */
  public int vocabulary() {
    return output.outputs();
  }

  /** Returns the output matrix, which stays the head's. */
  public PackedMatrix output() {
    return output;
  }

  /**
   * Returns the logits of hidden states.
   *
   * @param x (B,T,D) of the engine's type
   * @return (B,T,vocabulary)
   */
  public INDArray logits(INDArray x) {
    int tokens = (int) x.size(1);
    INDArray y = Nd4j.create(x.dataType(), x.size(0), tokens, output.outputs());
    try (Buffers arena = engine.newBuffers();
        Scratch scratch = engine.newScratch()) {
      Plan plan = new Plan(arena, scratch, tokens, false);
      RowView from = NdArrays.view(x);
      RowView to = NdArrays.view(y);
      for (int[] b = {0}; b[0] < x.size(0); b[0]++) {
        plan.run(tokens, (lane, t) -> lane.rows().copy(from, b[0], t, 0, plan.rows(), 0, t, 0));
        engine.run(tokens, (lane, t) -> lane.rows().copy(plan.logits(), 0, t, 0, to, b[0], t, 0));
      }
    }
    return y;
  }

  /** The head bound to a number of rows. */
  final class Plan {
    private final RowView rows;
    private final RowView logits;
    private final MatMulGroup projections;
    private final Lanes.Task normalise;

    /** Binds; the tiles are the arena's. */
    Plan(Buffers arena, Scratch scratch, int size, boolean bfloat16Products) {
      int width = output.inputs();
      Tile in = arena.tile(size, width);
      Tile out = arena.tile(size, output.outputs());
      rows = in.asRows(size, width);
      logits = out.asRows(size, output.outputs());
      scratch.rewind();
      projections =
          engine.matMuls(arena, scratch, in, bfloat16Products).add(output, out, Activation.NONE);
      normalise = (lane, i) -> lane.rows().rmsNorm(rows, 1, norm, eps, rows, 0, i, 0);
    }

    /** Returns where hidden states are put, (1,M,D). */
    RowView rows() {
      return rows;
    }

    /** Returns where their logits are found, (1,M,vocabulary). */
    RowView logits() {
      return logits;
    }

    /** Computes the logits of the first rows, each put there by a part of a task. */
    void run(int count, Lanes.Task put) {
      normalise(count, put);
      projections.run();
    }

    /** Leaves the first rows normalised where they were put, and computes no logits. */
    void normalise(int count, Lanes.Task put) {
      engine.run(count, put);
      engine.run(count, normalise);
    }
  }

  @Override
  public void close() {
    output.close();
  }
}
