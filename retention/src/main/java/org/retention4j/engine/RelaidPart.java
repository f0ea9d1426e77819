package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * fp32 rows with narrow weights that lie otherwise than their product reads them: the lane lays one
 * slice of inputs after the other as it does, integers as fp32. That costs little beside the
 * product of many rows.
 */
final class RelaidPart implements ProjectionPart {
  private final WeightsBlock block;
  private final memory[] parts;
  private final memory[] slices;
  private final Product[] relays;
  private final Product[] products;
  private final long bytes;

  /** Scales are those of integers, or null. */
  RelaidPart(
      Arena arena,
      Scratch scratch,
      Float32Tile x,
      WeightsBlock block,
      memory scales,
      Float32Tile to,
      Activation f) {
    this.block = block;
    memory.data_type type = scales == null ? OneDnn.BF16 : OneDnn.F32;
    int inputs = block.inputs();
    int count = (inputs + Float32Packed.SLICE - 1) / Float32Packed.SLICE;
    parts = new memory[count];
    slices = new memory[count];
    relays = new Product[count];
    products = new Product[count];
    long most = 0;
    for (int i = 0; i < count; i++) {
      int from = i * Float32Packed.SLICE;
      int rows = Math.min(Float32Packed.SLICE, inputs - from);
      try (memory.desc layout =
          OneDnn.packedLayout(OneDnn.F32, type, Float32Packed.LAYOUT_ROWS, rows, block.columns())) {
        most = Math.max(most, layout.get_size());
        slices[i] = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
      }
      parts[i] = part(arena, from, rows);
      relays[i] = OneDnn.copy(arena, parts[i], slices[i], scales);
      OneDnn.PostOp last = i == count - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE;
      products[i] =
          OneDnn.product(
              arena,
              scratch::block,
              OneDnn.Matrix.of((Float32Tile) x.part(0, x.rows(), from, rows), false),
              OneDnn.F32,
              new OneDnn.Weights(slices[i], rows, block.columns(), null),
              OneDnn.Matrix.of(to, false),
              i > 0,
              last,
              null);
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
  public void run(Float32Lane lane) {
    BytePointer weights = block.in(lane);
    BytePointer room = lane.parts().block(bytes);
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
