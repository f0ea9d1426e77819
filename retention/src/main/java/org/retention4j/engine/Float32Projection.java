package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A projection whose parts are the weight's blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Packed weights;
  private final Part[] parts;

  Float32Projection(
      Arena arena, Scratch scratch, Operand x, Float32Packed w, Float32Tile y, Activation f) {
    weights = w;
    OneDnn.Weights[][] blocks = w.blocks();
    parts = new Part[blocks.length];
    for (int i = 0; i < blocks.length; i++) {
      int columns = (int) blocks[i][0].columns();
      Float32Tile to = (Float32Tile) y.part(0, y.rows(), i * Float32Packed.BLOCK, columns);
      parts[i] = part(arena, scratch, x, blocks[i], to, f);
    }
  }

  /** Some columns of y. */
  private interface Part {
    void run(Float32Lane lane);

    String implementation();
  }

  private static Part part(
      Arena arena, Scratch scratch, Operand x, OneDnn.Weights[] w, Float32Tile to, Activation f) {
    if (x instanceof Int8Operand narrow) {
      return new Int8Part(arena, scratch, narrow, w[0], to, f);
    }
    if (x instanceof Bfloat16Operand narrow) {
      return new Bfloat16Part(arena, scratch, narrow, w, to, f);
    }
    return new SlicedPart(arena, scratch, (Float32Tile) x.tile(), w, to, f);
  }

  /** fp32 activations; slices of inputs are added up. */
  private static final class SlicedPart implements Part {
    private final Product[] products;

    SlicedPart(
        Arena arena,
        Scratch scratch,
        Float32Tile x,
        OneDnn.Weights[] slices,
        Float32Tile to,
        Activation f) {
      products = new Product[slices.length];
      int from = 0;
      for (int i = 0; i < slices.length; i++) {
        int inputs = (int) slices[i].rows();
        Float32Tile part = (Float32Tile) x.part(0, x.rows(), from, inputs);
        from += inputs;
        boolean last = i == slices.length - 1;
        products[i] =
            OneDnn.product(
                arena,
                scratch::block,
                OneDnn.Matrix.of(part, false),
                OneDnn.F32,
                slices[i],
                OneDnn.Matrix.of(to, false),
                i > 0,
                last ? postOp(f) : OneDnn.PostOp.NONE,
                null);
      }
    }

    @Override
    public void run(Float32Lane lane) {
      for (Product product : products) {
        product.run();
      }
    }

    @Override
    public String implementation() {
      return products[0].implementation();
    }
  }

  private static OneDnn.PostOp postOp(Activation f) {
    return switch (f) {
      case NONE -> OneDnn.PostOp.NONE;
      case SILU -> OneDnn.PostOp.SILU;
      case GELU -> OneDnn.PostOp.GELU;
      case RELU -> OneDnn.PostOp.RELU;
    };
  }

  /**
   * Both operands in bf16: oneDNN wants another layout of the weights then, which the lane makes in
   * its scratch; beside the product of many rows that costs little.
   */
  private static final class Bfloat16Part implements Part {
    private final memory relaid;
    private final memory[] slices;
    private final long bytes;
    private final Product[] relays;
    private final Product product;

    Bfloat16Part(
        Arena arena,
        Scratch scratch,
        Bfloat16Operand x,
        OneDnn.Weights[] w,
        Float32Tile to,
        Activation f) {
      OneDnn.Matrix src = x.matrix();
      long columns = w[0].columns();
      slices = new memory[w.length];
      relays = new Product[w.length];
      try (memory.desc layout =
          OneDnn.packedLayout(OneDnn.BF16, OneDnn.BF16, src.rows(), src.columns(), columns)) {
        bytes = layout.get_size();
        relaid = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
        long from = 0;
        for (int i = 0; i < w.length; i++) {
          long[] size = {w[i].rows(), columns};
          try (memory.desc part = layout.submemory_desc(size, new long[] {from, 0}, false)) {
            slices[i] = arena.own(new memory(part, OneDnn.cpu(), (Pointer) null));
          }
          relays[i] = OneDnn.copy(arena, w[i].packed(), slices[i]);
          from += w[i].rows();
        }
      }
      OneDnn.Weights whole = new OneDnn.Weights(relaid, src.columns(), columns, null);
      OneDnn.Matrix dst = OneDnn.Matrix.of(to, false);
      product =
          OneDnn.product(
              arena, scratch::block, src, OneDnn.BF16, whole, dst, false, postOp(f), null);
    }

    @Override
    public void run(Float32Lane lane) {
      BytePointer room = lane.block(bytes);
      relaid.set_data_handle(room);
      for (int i = 0; i < relays.length; i++) {
        slices[i].set_data_handle(room);
        relays[i].run();
      }
      product.run();
    }

    @Override
    public String implementation() {
      return product.implementation();
    }
  }

  /**
   * Integers on both sides; each row's factor follows, as oneDNN takes only one for all rows, then
   * the activation. oneDNN applies that well to dense rows only, so they are dense until then.
   */
  private static final class Int8Part implements Part {
    private final Int8Operand x;
    private final Float32Tile to;
    private final Float32Tile dense;
    private final Product product;
    private final Product activation;

    Int8Part(
        Arena arena,
        Scratch scratch,
        Int8Operand x,
        OneDnn.Weights w,
        Float32Tile to,
        Activation f) {
      this.x = x;
      this.to = to;
      boolean direct = f == Activation.NONE || to.rows() == 1;
      dense = direct ? to : (Float32Tile) scratch.tile(to.rows(), to.columns());
      OneDnn.Matrix dst = OneDnn.Matrix.of(dense, false);
      OneDnn.PostOp none = OneDnn.PostOp.NONE;
      product =
          OneDnn.product(arena, scratch::block, x.matrix(), OneDnn.S8, w, dst, false, none, null);
      activation = f == Activation.NONE ? null : OneDnn.activation(arena, dst, postOp(f));
    }

    @Override
    public void run(Float32Lane lane) {
      product.run();
      for (int i = 0; i < dense.rows(); i++) {
        lane.scaleRow(dense, i, x.factor(i), dense);
      }
      if (activation != null) {
        activation.run();
      }
      for (int i = 0; i < to.rows() && to != dense; i++) {
        lane.scaleRow(dense, i, 1, to);
      }
    }

    @Override
    public String implementation() {
      return activation == null
          ? product.implementation()
          : product.implementation() + "+" + activation.implementation();
    }
  }

  @Override
  public int parts() {
    return parts.length;
  }

  @Override
  public void run(Lane lane, int part) {
    weights.checkOpen();
    parts[part].run((Float32Lane) lane);
  }

  @Override
  public String implementation() {
    return parts[0].implementation();
  }
}
