package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * fp32 rows with narrow weights that lie otherwise than their product reads them: the lane lays one
 * slice of inputs after the other as it does, integers as fp32. That costs little beside the
 * product of many rows.
 */
public final class RepackedMatMul implements BlockMatMul {
  private final WeightsBlock block;
  private final memory[] parts;
  private final memory[] slices;
  private final Product[] relays;
  private final Product[] products;
  private final long bytes;

  /** Scales are those of integers, or null. */
  public RepackedMatMul(
      PlanContext context,
      Fp32Tile x,
      WeightsBlock block,
      memory scales,
      Fp32Tile to,
      Activation f) {
    Arena arena = context.owner();
    this.block = block;
    memory.data_type type = scales == null ? OneDnn.BF16 : OneDnn.F32;
    int inputs = block.inputs();
    int count = (inputs + OneDnnWeights.SLICE - 1) / OneDnnWeights.SLICE;
    parts = new memory[count];
    slices = new memory[count];
    relays = new Product[count];
    products = new Product[count];
    long most = 0;
    for (int i = 0; i < count; i++) {
      int from = i * OneDnnWeights.SLICE;
      int rows = Math.min(OneDnnWeights.SLICE, inputs - from);
      try (memory.desc layout =
          OneDnnCapabilities.layout(OneDnn.F32, type, rows, block.columns())) {
        most = Math.max(most, layout.get_size());
        slices[i] = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
      }
      parts[i] = part(arena, from, rows);
      relays[i] = OneDnn.copy(arena, parts[i], slices[i], scales);
      OneDnn.PostOp last = i == count - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE;
      products[i] =
          OneDnn.product(
              arena,
              context.scratch()::block,
              OneDnn.Matrix.of((Fp32Tile) x.part(0, x.rows(), from, rows), false),
              OneDnn.F32,
              new OneDnn.Weights(slices[i], rows, block.columns(), null),
              OneDnn.Matrix.of(to, false),
              i > 0,
              last);
    }
    bytes = most;
  }

  private memory part(Arena arena, int from, int rows) {
    long[] size = {rows, block.columns()};
    try (memory.desc whole = block.layout();
        memory.desc part = whole.submemory_desc(size, new long[] {from, 0}, false)) {
      return arena.own(new memory(part, OneDnn.cpu(), (Pointer) null));
    }
  }

  @Override
  public void run(LaneScratch scratch) {
    BytePointer weights = block.in(scratch);
    BytePointer room = scratch.block(bytes);
    for (int i = 0; i < products.length; i++) {
      parts[i].set_data_handle(weights);
      slices[i].set_data_handle(room);
      relays[i].run();
      products[i].run();
    }
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
