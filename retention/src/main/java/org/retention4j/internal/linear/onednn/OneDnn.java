package org.retention4j.internal.linear.onednn;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Locale;
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
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Bf16Tile;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * The few oneDNN calls this library makes, with every shape and stride checked before a native call
 * and the scratchpad owned by the caller.
 */
public final class OneDnn {
  /** IEEE single precision. */
  public static final memory.data_type F32 = memory.data_type.f32;

  /** Bfloat16. */
  public static final memory.data_type BF16 = memory.data_type.bf16;

  /** 8-bit integers. */
  public static final memory.data_type S8 = memory.data_type.s8;

  /** Scales with one value per column of the weights. */
  private static final int PER_COLUMN = 1 << 1;

  private static final engine CPU = OneDnnLibrary.get();

  private static final Logger LOGGER = System.getLogger(OneDnn.class.getName());
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private OneDnn() {}

  /**
   * What happens to a product before it is stored. There is none with a second matrix: oneDNN's
   * generated code ends the JVM for a binary post-op whose destination is not dense.
   */
  public enum PostOp {
    /** Nothing. */
    NONE,
    /** dst ← silu(product). */
    SILU,
    /** dst ← gelu(product), with erf. */
    GELU,
    /** dst ← max(product, 0). */
    RELU,
    /** dst ← 1 / (1 + e^(−product)). */
    SIGMOID
  }

  /** Returns an activation as what happens to a product. */
  public static PostOp postOp(Activation f) {
    return switch (f) {
      case NONE -> PostOp.NONE;
      case SILU -> PostOp.SILU;
      case GELU -> PostOp.GELU;
      case RELU -> PostOp.RELU;
      case SIGMOID -> PostOp.SIGMOID;
    };
  }

  /** A strided view of native memory as an (M,N) matrix. */
  public record Matrix(Pointer data, long rows, long columns, long rowStride, long columnStride) {
    /** Checks sizes and strides. */
    public Matrix {
      if (rows < 1 || columns < 1 || rowStride < 1 || columnStride < 1) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "a product needs positive sizes and strides, got %d x %d with strides (%d,%d)",
                rows,
                columns,
                rowStride,
                columnStride));
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

    /** Views a tile, or its transpose. */
    public static Matrix of(Fp32Tile tile, boolean transpose) {
      return of(tile.pointer(), tile, transpose);
    }

    /** Views a tile of bf16, or its transpose. */
    public static Matrix of(Bf16Tile tile, boolean transpose) {
      return of(tile.pointer(), tile, transpose);
    }

    private static Matrix of(Pointer data, Tile tile, boolean transpose) {
      return transpose
          ? new Matrix(data, tile.columns(), tile.rows(), 1, tile.stride())
          : new Matrix(data, tile.rows(), tile.columns(), tile.stride(), 1);
    }

    memory.desc desc(memory.data_type type) {
      // The stride of a single row means nothing, and would make it look as if it were not dense.
      long stride = rows == 1 && columnStride == 1 ? columns : rowStride;
      return new memory.desc(new long[] {rows, columns}, type, new long[] {stride, columnStride});
    }
  }

  /** Returns the processor as oneDNN sees it; loads oneDNN at first use. */
  public static engine cpu() {
    return CPU;
  }

  /** Prepares dst ← src·weights, or dst ← dst + src·weights, for plain fp32 operands. */
  public static Product product(
      Arena arena, Matrix src, Matrix weights, Matrix dst, boolean accumulate) {
    return product(arena, F32, src, weights, dst, accumulate);
  }

  /** The same for operands of a type; sums and dst are fp32. */
  public static Product product(
      Arena arena,
      memory.data_type type,
      Matrix src,
      Matrix weights,
      Matrix dst,
      boolean accumulate) {
    Weights plain = plain(arena, type, weights);
    return product(arena, arena::allocate, src, type, plain, dst, accumulate, PostOp.NONE);
  }

  /** Returns weights of a type in the layout that they have. */
  static Weights plain(Arena arena, memory.data_type type, Matrix weights) {
    memory packed = arena.own(new memory(weights.desc(type), CPU, weights.data()));
    return new Weights(packed, weights.rows(), weights.columns(), null);
  }

  /**
   * Weights (N,P) in a layout of oneDNN's choice.
   *
   * @param scales (P) fp32 factors of the columns, or null for none
   */
  public record Weights(memory packed, long rows, long columns, memory scales) {}

  /**
   * Prepares dst ← src·weights.
   *
   * @param arena owns the product
   * @param scratch gives its scratchpad, which products may share that never run side by side
   * @param srcType the type of src's elements
   * @param accumulate whether the product is added to dst before anything else happens
   */
  public static Bound product(
      Arena arena,
      LongFunction<? extends Pointer> scratch,
      Matrix src,
      memory.data_type srcType,
      Weights weights,
      Matrix dst,
      boolean accumulate,
      PostOp postOp) {
    if (src.columns() != weights.rows()
        || src.rows() != dst.rows()
        || weights.columns() != dst.columns()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected (M,N)·(N,P) -> (M,P), got (%d,%d)·(%d,%d) -> (%d,%d)",
              src.rows(),
              src.columns(),
              weights.rows(),
              weights.columns(),
              dst.rows(),
              dst.columns()));
    }
    try (primitive_attr attributes = attributes(accumulate, postOp, weights.scales() != null);
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
      addScratchpad(arena, scratch, desc, arguments);
      return new Bound(primitive, arena.own(new stream(CPU)), arguments, implementation);
    }
  }

  /** Prepares the softmax of each row, in place. */
  public static Product softmax(Arena arena, Matrix rows) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, false);
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
  public static Product activation(Arena arena, Matrix rows, PostOp function) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, false);
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
  public static Product copy(Arena arena, memory from, memory to) {
    return copy(arena, from, to, null);
  }

  /**
   * Prepares a copy that changes type or layout, of columns times factors unless those are null.
   */
  public static Product copy(Arena arena, memory from, memory to, memory scales) {
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

  private static primitive_attr attributes(boolean accumulate, PostOp postOp, boolean scaled) {
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
        case SILU -> ops.append_eltwise(algorithm(postOp), 1f, 0f);
        case GELU, RELU, SIGMOID -> ops.append_eltwise(algorithm(postOp), 0f, 0f);
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
      case SIGMOID -> dnnl.dnnl_eltwise_logistic;
      default -> throw new AssertionError(function);
    };
  }

  /**
   * Returns the layout that oneDNN chooses for weights (N,P) of a type when M rows of another type
   * multiply.
   */
  public static memory.desc packedLayout(
      memory.data_type srcType, memory.data_type type, long rows, long n, long p) {
    try (primitive_attr attributes = attributes(false, PostOp.NONE, type == S8);
        memory.desc src = new memory.desc(new long[] {rows, n}, srcType, memory.format_tag.ab);
        memory.desc any = new memory.desc(new long[] {n, p}, type, memory.format_tag.any);
        memory.desc dst = new memory.desc(new long[] {rows, p}, F32, memory.format_tag.ab);
        matmul.primitive_desc desc =
            new matmul.primitive_desc(CPU, src, any, dst, attributes, false)) {
      return desc.weights_desc();
    }
  }

  /** Returns factors of some columns, from one on, for {@link Weights}. */
  public static memory scales(Arena arena, float[] factors, int from, int columns) {
    BytePointer block = arena.allocate((long) Float.BYTES * columns);
    block.asByteBuffer().asFloatBuffer().put(factors, from, columns);
    try (memory.desc layout = new memory.desc(new long[] {columns}, F32, memory.format_tag.a)) {
      return arena.own(new memory(layout, CPU, block));
    }
  }

  /** Copies one memory to another, changing its layout. */
  public static void reorder(memory from, memory to) {
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
  public record Bound(
      primitive primitive, stream stream, IntMemoryMap arguments, String implementation)
      implements Product {
    @Override
    public void run() {
      primitive.execute(stream, arguments);
      stream._wait();
    }
  }
}
