package org.retention4j.bench.ceiling;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;

/**
 * One product of oneDNN in fp32 or bf16, dst (M,P) ← src (M,N) · weights (N,P), weights packed in
 * the layout that oneDNN chooses. Planned for the OpenMP thread count at construction.
 */
final class BareProduct implements AutoCloseable {
  private static final engine CPU = new engine(engine.kind.cpu, 0);
  private static final memory.data_type F32 = memory.data_type.f32;
  private static final memory.data_type BF16 = memory.data_type.bf16;

  private final List<Pointer> owned = new ArrayList<>();
  private final NativeBlock weights;
  private final NativeBlock narrow;
  private final matmul primitive;
  private final IntMemoryMap arguments;
  private final stream stream;

  /**
   * Plans the product on seeded weights.
   *
   * @param src (M,N) dense
   * @param dst (M,P) with rows {@code dstStride} apart
   */
  BareProduct(Pointer src, Pointer dst, long m, long n, long p, long dstStride) {
    this(src, dst, m, n, p, dstStride, Operands.F32_F32);
  }

  /** Plans the product with operands of other types; src is fp32 and converted once. */
  BareProduct(Pointer src, Pointer dst, long m, long n, long p, long dstStride, Operands operands) {
    memory.data_type srcType = operands == Operands.BF16_BF16 ? BF16 : F32;
    memory.data_type weightType = operands == Operands.F32_F32 ? F32 : BF16;
    narrow = srcType == BF16 ? new NativeBlock(m * n * Short.BYTES) : null;
    try (primitive_attr attributes = new primitive_attr();
        memory.desc srcDesc = new memory.desc(new long[] {m, n}, srcType, memory.format_tag.ab);
        memory.desc any = weights(n, p, weightType, operands);
        memory.desc dstDesc = new memory.desc(new long[] {m, p}, F32, new long[] {dstStride, 1});
        matmul.primitive_desc desc =
            new matmul.primitive_desc(CPU, srcDesc, any, dstDesc, attributes, false)) {
      memory.desc layout = desc.weights_desc();
      weights = new NativeBlock(layout.get_size());
      memory packed = own(new memory(layout, CPU, weights.at(0, weights.bytes())));
      pack(packed, n, p);
      arguments = own(new IntMemoryMap());
      Pointer rows = narrow == null ? src : narrow.at(0, narrow.bytes());
      memory source = own(new memory(srcDesc, CPU, rows));
      if (narrow != null) {
        try (memory.desc wide = new memory.desc(new long[] {m, n}, F32, memory.format_tag.ab);
            memory from = new memory(wide, CPU, src)) {
          copy(from, source);
        }
      }
      arguments.put(dnnl.DNNL_ARG_SRC, source);
      arguments.put(dnnl.DNNL_ARG_WEIGHTS, packed);
      arguments.put(dnnl.DNNL_ARG_DST, own(new memory(dstDesc, CPU, dst)));
      primitive = own(new matmul(desc));
      stream = own(new stream(CPU));
    }
  }

  private void pack(memory packed, long n, long p) {
    try (NativeBlock plain = new NativeBlock(n * p * Float.BYTES).fillRandom(n + p);
        memory.desc desc = new memory.desc(new long[] {n, p}, F32, memory.format_tag.ab);
        memory from = new memory(desc, CPU, plain.at(0, plain.bytes()))) {
      copy(from, packed);
    }
  }

  private static void copy(memory from, memory to) {
    try (stream copying = new stream(CPU);
        reorder copy = new reorder(from, to)) {
      copy.execute(copying, from, to);
      copying._wait();
    }
  }

  /** Of fp32 x bf16 oneDNN's own layout gives wrong sums beyond 512 inputs: it stays plain. */
  private static memory.desc weights(long n, long p, memory.data_type type, Operands operands) {
    long[] size = {n, p};
    return operands == Operands.F32_BF16
        ? new memory.desc(size, type, new long[] {1, n})
        : new memory.desc(size, type, memory.format_tag.any);
  }

  /** Returns oneDNN's processor. */
  static engine cpu() {
    return CPU;
  }

  private <P extends Pointer> P own(P pointer) {
    owned.add(pointer);
    return pointer;
  }

  /** Computes. */
  void run() {
    primitive.execute(stream, arguments);
    stream._wait();
  }

  @Override
  public void close() {
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).deallocate();
    }
    owned.clear();
    weights.close();
    if (narrow != null) {
      narrow.close();
    }
  }
}
