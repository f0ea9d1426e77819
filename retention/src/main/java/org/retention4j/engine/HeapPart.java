package org.retention4j.engine;

import java.util.Arrays;

/** Products of a few fp32 rows with a block of weights on the heap, by the Vector API. */
final class HeapPart implements ProjectionPart {
  /** Integers of an output after which the next four rows take their turn: four groups' fit L2. */
  private static final int TURN = 1024;

  private static final int GROUP = HeapMatrix.GROUP;

  private final HeapRows x;
  private final HeapMatrix weights;
  private final int firstGroup;
  private final Float32Tile dense;
  private final Epilogue epilogue;

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
    int width = HeapMatrix.paddedOutputs(dense.columns());
    float[] sums = lane.parts().sums(Math.max(1, x.fours() * HeapRows.FOUR) * width);
    if (x.single()) {
      multiplyOne(lane, sums, width / GROUP);
    } else {
      Arrays.fill(sums, 0, x.fours() * HeapRows.FOUR * width, 0f);
      addFours(sums, width);
    }
    for (int r = 0; r < dense.rows(); r++) {
      weights.finish(sums, r * width, dense.columns(), firstGroup * GROUP);
      dense.writeFrom(r, sums, r * width, dense.columns());
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

  private void addFours(float[] sums, int width) {
    HeapKernels kernels = weights.kernels();
    int quarter = width / GROUP / PairedKernels.STREAMS;
    for (int g = 0; g < quarter; g++) {
      for (int p = 0; p < weights.steps(); p += TURN) {
        for (int i = 0; i < x.fours(); i++) {
          kernels.addFour(
              weights.data(),
              weights.at(firstGroup + g) + p * GROUP,
              weights.apart(quarter),
              Math.min(TURN, weights.steps() - p),
              x.four(i),
              p * kernels.inputs() * HeapRows.FOUR,
              sums,
              i * HeapRows.FOUR * width + g * GROUP,
              quarter * GROUP,
              width);
        }
      }
    }
  }

  @Override
  public String implementation() {
    return epilogue.implementation("vector-" + GROUP * Float.SIZE);
  }
}
