package org.retention4j.engine;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongFunction;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.softmax_forward;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The few oneDNN calls this library makes, with every shape and stride checked before a native call
 * and the scratchpad owned by the caller.
 */
final class OneDnn {
  static final memory.data_type F32 = memory.data_type.f32;
  static final memory.data_type BF16 = memory.data_type.bf16;
  static final memory.data_type S8 = memory.data_type.s8;

  /** Scales with one value per column of the weights. */
  private static final int PER_COLUMN = 1 << 1;

  /** DNNL_ARG_ATTR_MULTIPLE_POST_OP(0), a macro that the presets do not carry. */
  private static final int FIRST_POST_OP = dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE;

  private static final engine CPU = NativeLibraries.oneDnn();

  private static final Logger LOGGER = System.getLogger(OneDnn.class.getName());
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private OneDnn() {}

  /** What happens to a product before it is stored. */
  enum PostOp {
    NONE,
    /** dst ← dst + product. */
    ACCUMULATE,
    /** dst ← silu(product). */
    SILU,
    /** dst ← gelu(product), with erf. */
    GELU,
    /** dst ← max(product, 0). */
    RELU,
    /** dst ← product ⊙ another matrix; crashes in generated code unless dst is dense. */
    MULTIPLY
  }

  /** Returns an activation as what happens to a product. */
  static PostOp postOp(Activation f) {
    return switch (f) {
      case NONE -> PostOp.NONE;
      case SILU -> PostOp.SILU;
      case GELU -> PostOp.GELU;
      case RELU -> PostOp.RELU;
    };
  }

  /** A strided view of native memory as an (M,N) matrix. */
  record Matrix(Pointer data, long rows, long columns, long rowStride, long columnStride) {
    Matrix {
      if (rows < 1 || columns < 1 || rowStride < 1 || columnStride < 1) {
        throw new IllegalArgumentException(
            String.format(
                "a product needs positive sizes and strides, got %d x %d with strides (%d,%d)",
                rows, columns, rowStride, columnStride));
      }
      if (rowStride != 1 && columnStride != 1) {
        throw new IllegalArgumentException(
            "a product needs one dense dimension, got strides ("
                + rowStride
                + ","
                + columnStride
                + ")");
      }
    }

    static Matrix of(Float32Tile tile, boolean transpose) {
      return transpose
          ? new Matrix(tile.pointer(), tile.columns(), tile.rows(), 1, tile.stride())
          : new Matrix(tile.pointer(), tile.rows(), tile.columns(), tile.stride(), 1);
    }

    memory.desc desc(memory.data_type type) {
      // The stride of a single row means nothing, and would make it look as if it were not dense.
      long stride = rows == 1 && columnStride == 1 ? columns : rowStride;
      return new memory.desc(new long[] {rows, columns}, type, new long[] {stride, columnStride});
    }

    boolean dense() {
      return columnStride == 1 && rowStride == columns;
    }
  }

  static engine cpu() {
    return CPU;
  }

  /**
   * Refuses the combinations that are known to end the JVM.
   *
   * @throws IllegalArgumentException for a binary post-op with a destination that is not dense
   */
  static void guard(PostOp postOp, Matrix dst) {
    if (postOp == PostOp.MULTIPLY && !dst.dense()) {
      throw new IllegalArgumentException(
          String.format(
              "a product with a binary post-op needs a dense destination (row stride %d),"
                  + " got row stride %d: oneDNN's generated code would crash the JVM",
              dst.columns(), dst.rowStride()));
    }
  }

  /** Prepares dst ← src·weights for plain fp32 operands. */
  static Product product(Arena arena, Matrix src, Matrix weights, Matrix dst, PostOp postOp) {
    memory packed = arena.own(new memory(weights.desc(F32), CPU, weights.data()));
    Weights plain = new Weights(packed, weights.rows(), weights.columns(), null);
    return product(arena, arena::allocate, src, F32, plain, dst, false, postOp, null);
  }

  /**
   * Weights (N,P) in a layout of oneDNN's choice.
   *
   * @param scales (P) fp32 factors of the columns, or null for none
   */
  record Weights(memory packed, long rows, long columns, memory scales) {}

  /**
   * Prepares dst ← src·weights.
   *
   * @param arena owns the product
   * @param scratch gives its scratchpad, which products may share that never run side by side
   * @param srcType the type of src's elements
   * @param accumulate whether the product is added to dst before anything else happens
   * @param other the second operand of {@link PostOp#MULTIPLY}, of dst's shape; else null
   */
  static Bound product(
      Arena arena,
      LongFunction<? extends Pointer> scratch,
      Matrix src,
      memory.data_type srcType,
      Weights weights,
      Matrix dst,
      boolean accumulate,
      PostOp postOp,
      Matrix other) {
    if (src.columns() != weights.rows()
        || src.rows() != dst.rows()
        || weights.columns() != dst.columns()) {
      throw new IllegalArgumentException(
          String.format(
              "expected (M,N)·(N,P) -> (M,P), got (%d,%d)·(%d,%d) -> (%d,%d)",
              src.rows(),
              src.columns(),
              weights.rows(),
              weights.columns(),
              dst.rows(),
              dst.columns()));
    }
    guard(postOp, dst);
    try (primitive_attr attributes =
            attributes(accumulate, postOp, other, weights.scales() != null);
        memory.desc srcDesc = src.desc(srcType);
        memory.desc dstDesc = dst.desc(F32);
        memory.desc weightsDesc = weights.packed().get_desc();
        matmul.primitive_desc desc =
            new matmul.primitive_desc(CPU, srcDesc, weightsDesc, dstDesc, attributes, false)) {
      String implementation = checked(desc.impl_info_str().getString());
      matmul primitive = arena.own(new matmul(desc));
      IntMemoryMap arguments = arena.own(new IntMemoryMap());
      arguments.put(dnnl.DNNL_ARG_SRC, arena.own(new memory(srcDesc, CPU, src.data())));
      arguments.put(dnnl.DNNL_ARG_WEIGHTS, weights.packed());
      if (weights.scales() != null) {
        arguments.put(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_WEIGHTS, weights.scales());
      }
      arguments.put(dnnl.DNNL_ARG_DST, arena.own(new memory(dstDesc, CPU, dst.data())));
      if (postOp == PostOp.MULTIPLY) {
        arguments.put(
            FIRST_POST_OP | dnnl.DNNL_ARG_SRC_1,
            arena.own(new memory(other.desc(F32), CPU, other.data())));
      }
      addScratchpad(arena, scratch, desc, arguments);
      return new Bound(primitive, arena.own(new stream(CPU)), arguments, implementation);
    }
  }

  /** Prepares the softmax of each row, in place. */
  static Product softmax(Arena arena, Matrix rows) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, null, false);
        memory.desc layout = rows.desc(F32);
        softmax_forward.primitive_desc desc =
            new softmax_forward.primitive_desc(
                CPU,
                dnnl.dnnl_forward_inference,
                dnnl.dnnl_softmax_accurate,
                layout,
                layout,
                1,
                attributes,
                false)) {
      memory data = arena.own(new memory(layout, CPU, rows.data()));
      IntMemoryMap arguments = arena.own(new IntMemoryMap());
      arguments.put(dnnl.DNNL_ARG_SRC, data);
      arguments.put(dnnl.DNNL_ARG_DST, data);
      addScratchpad(arena, arena::allocate, desc, arguments);
      return new Bound(
          arena.own(new softmax_forward(desc)),
          arena.own(new stream(CPU)),
          arguments,
          checked(desc.impl_info_str().getString()));
    }
  }

  /** Prepares an activation of every element, in place. */
  static Product activation(Arena arena, Matrix rows, PostOp function) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, null, false);
        memory.desc layout = rows.desc(F32);
        eltwise_forward.primitive_desc desc =
            new eltwise_forward.primitive_desc(
                CPU,
                dnnl.dnnl_forward_inference,
                algorithm(function),
                layout,
                layout,
                function == PostOp.SILU ? 1f : 0f,
                0f,
                attributes,
                false)) {
      memory data = arena.own(new memory(layout, CPU, rows.data()));
      IntMemoryMap arguments = arena.own(new IntMemoryMap());
      arguments.put(dnnl.DNNL_ARG_SRC, data);
      arguments.put(dnnl.DNNL_ARG_DST, data);
      addScratchpad(arena, arena::allocate, desc, arguments);
      return new Bound(
          arena.own(new eltwise_forward(desc)),
          arena.own(new stream(CPU)),
          arguments,
          checked(desc.impl_info_str().getString()));
    }
  }

  /** Prepares a copy that changes type or layout. */
  static Product copy(Arena arena, memory from, memory to) {
    return copy(arena, from, to, null);
  }

  /**
   * Prepares a copy that changes type or layout, of columns times factors unless those are null.
   */
  static Product copy(Arena arena, memory from, memory to, memory scales) {
    try (primitive_attr attributes = new primitive_attr()) {
      IntMemoryMap arguments = arena.own(new IntMemoryMap());
      if (scales != null) {
        attributes.set_scales_mask(dnnl.DNNL_ARG_SRC, PER_COLUMN);
        arguments.put(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_SRC, scales);
      }
      try (reorder.primitive_desc desc = new reorder.primitive_desc(from, to, attributes, false)) {
        arguments.put(dnnl.DNNL_ARG_FROM, from);
        arguments.put(dnnl.DNNL_ARG_TO, to);
        return new Bound(
            arena.own(new reorder(desc)),
            arena.own(new stream(CPU)),
            arguments,
            checked(desc.impl_info_str().getString()));
      }
    }
  }

  private static void addScratchpad(
      Arena arena,
      LongFunction<? extends Pointer> scratch,
      primitive_desc_base desc,
      IntMemoryMap arguments) {
    memory.desc layout = desc.scratchpad_desc();
    long size = layout.get_size();
    if (size > 0) {
      Pointer block = scratch.apply(size);
      arguments.put(dnnl.DNNL_ARG_SCRATCHPAD, arena.own(new memory(layout, CPU, block)));
    }
  }

  private static primitive_attr attributes(
      boolean accumulate, PostOp postOp, Matrix other, boolean scaled) {
    primitive_attr attributes = new primitive_attr();
    if (scaled) {
      attributes.set_scales_mask(dnnl.DNNL_ARG_WEIGHTS, PER_COLUMN);
    }
    // The default scratchpad belongs to the creating thread; lanes move between threads.
    attributes.set_scratchpad_mode(dnnl.dnnl_scratchpad_mode_user);
    if (postOp == PostOp.NONE && !accumulate) {
      return attributes;
    }
    try (post_ops ops = new post_ops()) {
      if (accumulate) {
        ops.append_sum();
      }
      switch (postOp) {
        case NONE -> {}
        case ACCUMULATE -> ops.append_sum();
        case SILU -> ops.append_eltwise(algorithm(postOp), 1f, 0f);
        case GELU, RELU -> ops.append_eltwise(algorithm(postOp), 0f, 0f);
        case MULTIPLY -> ops.append_binary(dnnl.dnnl_binary_mul, other.desc(F32));
        default -> throw new AssertionError(postOp);
      }
      attributes.set_post_ops(ops);
    }
    return attributes;
  }

  private static int algorithm(PostOp function) {
    return switch (function) {
      case SILU -> dnnl.dnnl_eltwise_swish;
      case GELU -> dnnl.dnnl_eltwise_gelu_erf;
      case RELU -> dnnl.dnnl_eltwise_relu;
      default -> throw new AssertionError(function);
    };
  }

  /**
   * Returns the layout that oneDNN chooses for weights (N,P) of a type when M rows of another type
   * multiply.
   */
  static memory.desc packedLayout(
      memory.data_type srcType, memory.data_type type, long rows, long n, long p) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, null, type == S8);
        memory.desc src = new memory.desc(new long[] {rows, n}, srcType, memory.format_tag.ab);
        memory.desc any = new memory.desc(new long[] {n, p}, type, memory.format_tag.any);
        memory.desc dst = new memory.desc(new long[] {rows, p}, F32, memory.format_tag.ab);
        matmul.primitive_desc desc =
            new matmul.primitive_desc(CPU, src, any, dst, attributes, false)) {
      return desc.weights_desc();
    }
  }

  /** Returns factors of some columns, from one on, for {@link Weights}. */
  static memory scales(Arena arena, float[] factors, int from, int columns) {
    BytePointer block = arena.allocate((long) Float.BYTES * columns);
    block.asByteBuffer().asFloatBuffer().put(factors, from, columns);
    try (memory.desc layout = new memory.desc(new long[] {columns}, F32, memory.format_tag.a)) {
      return arena.own(new memory(layout, CPU, block));
    }
  }

  /** Copies one memory to another, changing its layout. */
  static void reorder(memory from, memory to) {
    try (stream stream = new stream(CPU);
        reorder primitive = new reorder(from, to)) {
      primitive.execute(stream, from, to);
      stream._wait();
    }
  }

  /** Says it when oneDNN has nothing better than its reference code, 10 to 100 times slower. */
  private static String checked(String implementation) {
    if (implementation.startsWith("ref") && WARNED.compareAndSet(false, true)) {
      LOGGER.log(Level.WARNING, "oneDNN computes with its slow reference code: " + implementation);
    }
    return implementation;
  }

  /** A primitive with all its arguments. */
  record Bound(primitive primitive, stream stream, IntMemoryMap arguments, String implementation)
      implements Product {
    @Override
    public void run() {
      primitive.execute(stream, arguments);
      stream._wait();
    }
  }
}
