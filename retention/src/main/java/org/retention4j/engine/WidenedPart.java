package org.retention4j.engine;

import java.nio.FloatBuffer;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Many fp32 rows with a block of narrow weights on the heap, for processors that have no good
 * products of their type: the lane widens one slice of inputs after the other to fp32, which costs
 * little beside the product.
 */
final class WidenedPart implements ProjectionPart {
  /** From so many rows on this is faster than the Vector API's products. */
  static final int ROWS = 48;

  /** Inputs of a slice, whose weights stay in the cache. */
  private static final int SLICE = 512;

  /** Inputs that are widened at once. */
  private static final int WIDENED = 16;

  private final HeapMatrix weights;
  private final int firstGroup;
  private final int width;
  private final int depth;
  private final memory[] slices;
  private final Product[] products;

  WidenedPart(
      Arena arena,
      Scratch scratch,
      Float32Tile x,
      HeapMatrix weights,
      int firstGroup,
      Float32Tile to,
      Activation f) {
    this.weights = weights;
    this.firstGroup = firstGroup;
    width = HeapMatrix.paddedOutputs(to.columns());
    depth = Math.min(SLICE, weights.paddedInputs());
    int count = (x.columns() + SLICE - 1) / SLICE;
    slices = new memory[count];
    products = new Product[count];
    for (int i = 0; i < count; i++) {
      int from = i * SLICE;
      int inputs = Math.min(SLICE, x.columns() - from);
      try (memory.desc layout =
          new memory.desc(new long[] {inputs, to.columns()}, OneDnn.F32, new long[] {width, 1})) {
        slices[i] = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
      }
      products[i] =
          OneDnn.product(
              arena,
              scratch::block,
              OneDnn.Matrix.of((Float32Tile) x.part(0, x.rows(), from, inputs), false),
              OneDnn.F32,
              new OneDnn.Weights(slices[i], inputs, to.columns(), null),
              OneDnn.Matrix.of(to, false),
              i > 0,
              i == count - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE,
              null);
    }
  }

  @Override
  public void run(Float32Lane lane) {
    BytePointer room = lane.parts().weightsBlock((long) Float.BYTES * depth * width);
    FloatBuffer slice = room.asByteBuffer().asFloatBuffer();
    for (int i = 0; i < products.length; i++) {
      widen(lane, i * SLICE, slice.clear());
      slices[i].set_data_handle(room);
      products[i].run();
    }
  }

  private void widen(Float32Lane lane, int from, FloatBuffer slice) {
    float[] some = lane.parts().sums(WIDENED * width);
    int end = Math.min(from + SLICE, weights.paddedInputs());
    for (int input = from; input < end; input += WIDENED) {
      for (int g = 0; g < width / HeapMatrix.GROUP; g++) {
        weights.widen(firstGroup + g, input, WIDENED, some, g * HeapMatrix.GROUP, width);
      }
      slice.put(some, 0, WIDENED * width);
    }
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
