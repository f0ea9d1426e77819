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
    int eighth = groups / PairedKernels.SINGLE_STREAMS;
    int apart = weights.apart(eighth);
    for (int g = 0; g < eighth; g++) {
      weights.multiplyEight(
          weights.at(firstGroup + g), apart, row, sums, g * GROUP, eighth * GROUP);
    }
    int rest = eighth * PairedKernels.SINGLE_STREAMS;
    if (rest < groups) {
      weights.multiplyFour(
          weights.at(firstGroup + rest), weights.apart(1), row, sums, rest * GROUP, GROUP);
    }
  }

  private void addFours(float[] sums, int width) {
    int quarter = width / GROUP / PairedKernels.STREAMS;
    for (int g = 0; g < quarter; g++) {
      for (int p = 0; p < weights.steps(); p += TURN) {
        for (int i = 0; i < x.fours(); i++) {
          weights.addFour(
              weights.at(firstGroup + g),
              weights.apart(quarter),
              p,
              Math.min(TURN, weights.steps() - p),
              x.four(i),
              x.width(),
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
    return epilogue.implementation("vector-512");
  }
}
