package org.retention4j.internal.linear.vector;

import java.util.Arrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.onednn.Epilogue;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.vector.JitWarmUp;

/** Products of a few fp32 rows with a block of weights on the heap, by the Vector API. */
final class VectorMatMul implements BlockMatMul {
  private static final int GROUP = VectorWeights.GROUP;
  private static final int FOUR = VectorGeometry.FOUR;

  /**
   * Integers of an output after which the next four rows take their turn: a page of each group, so
   * that those find it in the first cache, and memory is read page by page.
   */
  private static final int TURN = VectorWeights.PAGE / GROUP;

  private final RowPanels x;
  private final VectorWeights weights;
  private final int firstGroup;
  private final Fp32Tile dense;
  private final Epilogue epilogue;
  private boolean ran;

  VectorMatMul(
      PlanContext context,
      RowPanels x,
      VectorWeights weights,
      int firstGroup,
      Fp32Tile to,
      Activation f) {
    this.x = x;
    this.weights = weights;
    this.firstGroup = firstGroup;
    dense =
        Epilogue.needsDense(to, f)
            ? (Fp32Tile) context.scratch().tile(to.rows(), to.columns())
            : to;
    epilogue = new Epilogue(context.owner(), dense, to, f);
  }

  @Override
  public void run(LaneScratch scratch) {
    boolean compiled = JitWarmUp.isDone();
    if (!compiled && ran) {
      // Not the first time, when a program starts and has enough to do.
      JitWarmUp.start();
    }
    ran = true;
    run(scratch, compiled || !weights.sumsInOrder());
  }

  /** Computes it by the kernels or, to the same bits, without. */
  void run(LaneScratch scratch, boolean byKernels) {
    int width = VectorWeights.paddedOutputs(dense.columns());
    if (!byKernels) {
      multiplyInOrder(scratch);
    } else if (x.single()) {
      float[] sums = scratch.sums(width);
      multiplyOne(scratch, sums, width / GROUP);
      write(0, sums);
    } else {
      multiplyFours(scratch, width / GROUP);
    }
    epilogue.run(scratch);
  }

  private void multiplyOne(LaneScratch scratch, float[] sums, int groups) {
    float[] row = x.single(scratch);
    MatMulKernel kernels = weights.kernels();
    int steps = weights.steps();
    int eighth = groups / VectorGeometry.SINGLE_STREAMS;
    int apart = weights.apart(eighth);
    for (int g = 0; g < eighth; g++) {
      int at = weights.at(firstGroup + g);
      kernels.multiplyEight(weights.data(), at, apart, steps, row, sums, g * GROUP, eighth * GROUP);
    }
    // What is left of a matrix, at most seven groups: the same sums in the same order, each eight
    // times.
    for (int g = eighth * VectorGeometry.SINGLE_STREAMS; g < groups; g++) {
      int at = weights.at(firstGroup + g);
      kernels.multiplyEight(weights.data(), at, 0, steps, row, sums, g * GROUP, 0);
    }
  }

  private void multiplyFours(LaneScratch scratch, int groups) {
    int fours = x.fours().length;
    int quarter = groups / VectorGeometry.STREAMS;
    float[] sums = scratch.sums(quarter * fours * VectorGeometry.SUMS);
    Arrays.fill(sums, 0, quarter * fours * VectorGeometry.SUMS, 0f);
    MatMulKernel kernels = weights.kernels();
    for (int g = 0; g < quarter; g++) {
      for (int p = 0; p < weights.steps(); p += TURN) {
        kernels.addFours(
            weights.data(),
            weights.at(firstGroup + g) + p * GROUP,
            weights.apart(quarter),
            Math.min(TURN, weights.steps() - p),
            x.fours(),
            p * kernels.inputs() * FOUR,
            sums,
            g * fours * VectorGeometry.SUMS);
      }
    }
    float[] row = scratch.input(groups * GROUP);
    for (int r = 0; r < dense.rows(); r++) {
      int at = r * VectorGeometry.STREAMS * GROUP;
      VectorGeometry.copySums(sums, at, fours * VectorGeometry.SUMS, groups, row);
      write(r, row);
    }
  }

  /** For a while after the start: kernels that are not compiled take ten times as long. */
  private void multiplyInOrder(LaneScratch scratch) {
    int rows = dense.rows();
    int columns = dense.columns();
    float[] sums = scratch.sums(rows * columns);
    float[] w = scratch.weights(weights.inputs());
    float[] single = x.single() ? x.single(scratch) : null;
    for (int o = 0; o < columns; o++) {
      weights.read(firstGroup * GROUP + o, w);
      for (int r = 0; r < rows; r++) {
        sums[r * columns + o] =
            single != null
                ? dot(w, single, 0, 1, weights.inputs())
                : dot(w, x.fours()[r / FOUR], r % FOUR, FOUR, weights.inputs());
      }
    }
    for (int r = 0; r < rows; r++) {
      dense.writeFrom(r, sums, r * columns, columns);
    }
  }

  private static float dot(float[] w, float[] x, int at, int apart, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) {
      sum = Math.fma(w[i], x[at + apart * i], sum);
    }
    return sum;
  }

  private void write(int r, float[] sums) {
    weights.finish(sums, 0, dense.columns(), firstGroup * GROUP);
    dense.writeFrom(r, sums, 0, dense.columns());
  }

  @Override
  public String implementation() {
    return epilogue.implementation("vector-" + GROUP * Float.SIZE);
  }
}
