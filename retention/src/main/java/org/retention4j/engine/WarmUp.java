package org.retention4j.engine;

/**
 * Runs the vector kernels on a few numbers until the JIT compiles them: before that each vector is
 * an object, which is no way to begin with gigabytes of weights, and leaves as much garbage. The
 * compiler counts calls more than loops, so the calls are short.
 */
final class WarmUp {
  private static final int CALLS = 2000;
  private static final int MORE = 5;
  private static final int WIDTH = 64;
  private static final int ROWS = 16;

  static {
    products();
    elementWise(new VectorKernels());
  }

  private WarmUp() {}

  /** Returns when it was done once in this JVM. */
  static void await() {
    // Making this class has done it.
  }

  private static void products() {
    int pairs = 32;
    int group = PairedKernels.GROUP;
    int[] w = new int[PairedKernels.SINGLE_STREAMS * pairs * group];
    float[] x = new float[2 * HeapRows.FOUR * pairs];
    int width = PairedKernels.STREAMS * group;
    float[] sum = new float[HeapRows.FOUR * width];
    int[] copied = new int[pairs * width];
    int steps = pairs / 2;
    HeapKernels paired = PairedKernels.create();
    HeapKernels integers = Int8Kernels.create();
    for (int i = 0; i < CALLS; i++) {
      for (HeapKernels kernels : new HeapKernels[] {paired, integers}) {
        kernels.multiplyEight(w, 0, pairs * group, steps, x, sum, 0, group);
        kernels.addFour(w, 0, pairs * group, steps, x, 0, sum, 0, group, width);
      }
      PairedKernels.interleave(w, 0, pairs * group, pairs, 0, copied);
    }
  }

  private static void elementWise(VectorKernels kernels) {
    float[][] state = new float[1][ROWS * WIDTH];
    float[][] rows = new float[ROWS][WIDTH];
    float[] factors = new float[WIDTH];
    float[] sum = new float[WIDTH];
    for (int i = 0; i < CALLS; i++) {
      kernels.fold(state, ROWS, WIDTH, 0.5f, rows, rows, ROWS, factors);
      // These have short loops, which count for less.
      for (int more = 0; more < MORE; more++) {
        kernels.dot(sum, rows[0], WIDTH);
        kernels.addRows(state, ROWS, WIDTH, factors, sum);
        kernels.addEach(rows, factors, ROWS, sum, WIDTH);
        kernels.rotateHalves(sum, WIDTH / 2, factors, factors, 1);
        kernels.decayAndAdd(state, 0, WIDTH, 0.5f, sum);
      }
    }
  }
}
