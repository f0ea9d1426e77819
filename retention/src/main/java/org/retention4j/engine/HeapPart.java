package org.retention4j.engine;

import java.util.Arrays;

/** Products of a few fp32 rows with a block of weights on the heap, by the Vector API. */
final class HeapPart implements ProjectionPart {
  private static final int GROUP = HeapMatrix.GROUP;
  private static final int FOUR = HeapRows.FOUR;

  /**
   * Integers of an output after which the next four rows take their turn: a page of each group, so
   * that those find it in the first cache, and memory is read page by page.
   */
  private static final int TURN = HeapMatrix.PAGE / GROUP;

  private final HeapRows x;
  private final HeapMatrix weights;
  private final int firstGroup;
  private final Float32Tile dense;
  private final Epilogue epilogue;
  private boolean ran;

  HeapPart(
      Arena arena,
      Scratch scratch,
      HeapRows x,
      HeapMatrix weights,
      int firstGroup,
      Float32Tile to,
      Activation f) {
    this.x = x;
    this.weights = weights;
    this.firstGroup = firstGroup;
    dense = Epilogue.needsDense(to, f) ? (Float32Tile) scratch.tile(to.rows(), to.columns()) : to;
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(Float32Lane lane) {
    boolean compiled = WarmUp.isDone();
    if (!compiled && ran) {
      // Not the first time, when a program starts and has enough to do.
      WarmUp.start();
    }
    ran = true;
    run(lane, compiled || !weights.sumsInOrder());
  }

  /** Computes it by the kernels or, to the same bits, without. */
  void run(Float32Lane lane, boolean byKernels) {
    int width = HeapMatrix.paddedOutputs(dense.columns());
    if (!byKernels) {
      multiplyInOrder(lane);
    } else if (x.single()) {
      float[] sums = lane.parts().sums(width);
      multiplyOne(lane, sums, width / GROUP);
      write(0, sums);
    } else {
      multiplyFours(lane, width / GROUP);
    }
    epilogue.run(lane);
  }

  private void multiplyOne(Float32Lane lane, float[] sums, int groups) {
    float[] row = x.single(lane);
    HeapKernels kernels = weights.kernels();
    int steps = weights.steps();
    int eighth = groups / PairedKernels.SINGLE_STREAMS;
    int apart = weights.apart(eighth);
    for (int g = 0; g < eighth; g++) {
      int at = weights.at(firstGroup + g);
      kernels.multiplyEight(weights.data(), at, apart, steps, row, sums, g * GROUP, eighth * GROUP);
    }
    // What is left of a matrix, at most seven groups: the same sums in the same order, each eight
    // times.
    for (int g = eighth * PairedKernels.SINGLE_STREAMS; g < groups; g++) {
      int at = weights.at(firstGroup + g);
      kernels.multiplyEight(weights.data(), at, 0, steps, row, sums, g * GROUP, 0);
    }
  }

  private void multiplyFours(Float32Lane lane, int groups) {
    int fours = x.fours().length;
    int quarter = groups / PairedKernels.STREAMS;
    float[] sums = lane.parts().sums(quarter * fours * PairedKernels.SUMS);
    Arrays.fill(sums, 0, quarter * fours * PairedKernels.SUMS, 0f);
    HeapKernels kernels = weights.kernels();
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
            g * fours * PairedKernels.SUMS);
      }
    }
    float[] row = lane.parts().input(groups * GROUP);
    for (int r = 0; r < dense.rows(); r++) {
      int at = r * PairedKernels.STREAMS * GROUP;
      PairedKernels.copySums(sums, at, fours * PairedKernels.SUMS, groups, row);
      write(r, row);
    }
  }

  /** For a while after the start: kernels that are not compiled take ten times as long. */
  private void multiplyInOrder(Float32Lane lane) {
    int rows = dense.rows();
    int columns = dense.columns();
    float[] sums = lane.parts().sums(rows * columns);
    float[] w = lane.parts().weights(weights.inputs());
    float[] single = x.single() ? x.single(lane) : null;
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
