package org.retention4j.internal.linear.vector;

import java.nio.FloatBuffer;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * Many fp32 rows with a block of narrow weights on the heap, for processors that have no good
 * products of their type: the lane widens one slice of inputs after the other to fp32, which costs
 * little beside the product.
 */
final class DequantizedMatMul implements BlockMatMul {
  /** From so many rows on this is faster than the Vector API's products. */
  static final int ROWS = 48;

  /** Inputs of a slice, whose weights stay in the cache. */
  private static final int SLICE = 512;

  /** Inputs that are widened at once. */
  private static final int WIDENED = 16;

  private final VectorWeights weights;
  private final int firstGroup;
  private final int width;
  private final int depth;
  private final memory[] slices;
  private final Product[] products;

  DequantizedMatMul(
      PlanContext context,
      Fp32Tile x,
      VectorWeights weights,
      int firstGroup,
      Fp32Tile to,
      Activation f) {
    Arena arena = context.owner();
    this.weights = weights;
    this.firstGroup = firstGroup;
    width = VectorWeights.paddedOutputs(to.columns());
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
              context.scratch()::block,
              OneDnn.Matrix.of((Fp32Tile) x.part(0, x.rows(), from, inputs), false),
              OneDnn.F32,
              new OneDnn.Weights(slices[i], inputs, to.columns(), null),
              OneDnn.Matrix.of(to, false),
              i > 0,
              i == count - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE);
    }
  }

  @Override
  public void run(LaneScratch scratch) {
    BytePointer room = scratch.weightsBlock((long) Float.BYTES * depth * width);
    FloatBuffer slice = room.asByteBuffer().asFloatBuffer();
    for (int i = 0; i < products.length; i++) {
      widen(scratch, i * SLICE, slice.clear());
      slices[i].set_data_handle(room);
      products[i].run();
    }
  }

  private void widen(LaneScratch scratch, int from, FloatBuffer slice) {
    float[] some = scratch.sums(WIDENED * width);
    int end = Math.min(from + SLICE, weights.paddedInputs());
    for (int input = from; input < end; input += WIDENED) {
      for (int g = 0; g < width / VectorWeights.GROUP; g++) {
        weights.widen(firstGroup + g, input, WIDENED, some, g * VectorWeights.GROUP, width);
      }
      slice.put(some, 0, WIDENED * width);
    }
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
