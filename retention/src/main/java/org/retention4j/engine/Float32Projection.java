package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;

/** A projection whose parts are the weight's blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Packed weights;
  private final Part[] parts;

  Float32Projection(
      Arena arena, Scratch scratch, Operand x, Float32Packed w, Float32Tile y, Activation f) {
    weights = w;
    OneDnn.Weights[] blocks = w.blocks();
    parts = new Part[blocks.length];
    for (int i = 0; i < blocks.length; i++) {
      int columns = (int) blocks[i].columns();
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
      Arena arena, Scratch scratch, Operand x, OneDnn.Weights w, Float32Tile to, Activation f) {
    if (x instanceof Int8Operand narrow) {
      return new Int8Part(arena, scratch, narrow, w, to, f);
    }
    if (x instanceof Bfloat16Operand narrow) {
      return new Bfloat16Part(arena, scratch, narrow, w, to, f);
    }
    OneDnn.Matrix src = OneDnn.Matrix.of((Float32Tile) x.tile(), false);
    OneDnn.Matrix dst = OneDnn.Matrix.of(to, false);
    Product product =
        OneDnn.product(arena, scratch::block, src, OneDnn.F32, w, dst, postOp(f), null);
    return new Part() {
      @Override
      public void run(Float32Lane lane) {
        product.run();
      }

      @Override
      public String implementation() {
        return product.implementation();
      }
    };
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
    private final long bytes;
    private final Product relay;
    private final Product product;

    Bfloat16Part(
        Arena arena,
        Scratch scratch,
        Bfloat16Operand x,
        OneDnn.Weights w,
        Float32Tile to,
        Activation f) {
      OneDnn.Matrix src = x.matrix();
      try (memory.desc layout =
          OneDnn.packedLayout(OneDnn.BF16, OneDnn.BF16, src.rows(), w.rows(), w.columns())) {
        bytes = layout.get_size();
        relaid = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
      }
      relay = OneDnn.copy(arena, w.packed(), relaid);
      OneDnn.Weights other = new OneDnn.Weights(relaid, w.rows(), w.columns(), null);
      OneDnn.Matrix dst = OneDnn.Matrix.of(to, false);
      product =
          OneDnn.product(arena, scratch::block, src, OneDnn.BF16, other, dst, postOp(f), null);
    }

    @Override
    public void run(Float32Lane lane) {
      relaid.set_data_handle(lane.block(bytes));
      relay.run();
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
      product = OneDnn.product(arena, scratch::block, x.matrix(), OneDnn.S8, w, dst, none, null);
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
