package org.retention4j.internal.linear.onednn;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Locale;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.BlockedWeights;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.Int8;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * Weights in oneDNN's own layout, cut into blocks of output features that lanes share out.
 *
 * <p>bf16 weights lie as products of bf16 with bf16 read them where the processor has such
 * products; else as products of fp32 with bf16 do, in slices of {@value #SLICE} inputs. Integers
 * lie as products of integers read them where those are right; else as they are, and are widened to
 * fp32 for every product, which is slow for few rows.
 */
final class OneDnnWeights implements BlockedWeights {
  /**
   * The most inputs of a product of fp32 with bf16 weights. oneDNN 3.11 gives wrong sums for more
   * (its second block of inputs reads the wrong weights, on AVX-512 without bf16 activations).
   */
  static final int SLICE = 512;

  /** From so many rows on rounding them to bf16, where that is allowed, is faster. */
  private static final int NARROW_ROWS = 64;

  /** From so many rows on the other layout of bf16 weights costs less than threefold products. */
  private static final int RELAID_ROWS = 96;

  /** oneDNN fills outputs up to a multiple of this where vectors have 512 bits. */
  private static final int OUTPUTS = 64;

  /** And the inputs of an output to a multiple of so many bytes. */
  private static final int INPUT_BYTES = 64;

  private final Lanes lanes;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final WeightType type;
  private final boolean paired;

  /** By block of outputs and slice of inputs. */
  private final OneDnn.Weights[][] blocks;

  /** The factors of the output features, null unless the weights are integers. */
  private final float[] factors;

  private volatile boolean closed;

  OneDnnWeights(Lanes lanes, MatrixSource source, WeightType type) {
    this.lanes = lanes;
    outputs = source.rows();
    inputs = source.columns();
    this.type = type;
    paired = type == WeightType.BFLOAT16 && OneDnnCapabilities.bfloat16();
    factors = type == WeightType.INT8 ? new float[outputs] : null;
    blocks = new OneDnn.Weights[(outputs + BLOCK - 1) / BLOCK][];
    try {
      for (int i = 0; i < blocks.length; i++) {
        int columns = Math.min(BLOCK, outputs - i * BLOCK);
        blocks[i] = pack(source, i * BLOCK, columns);
      }
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Returns the bytes that weights take once they are packed, without asking oneDNN: as it fills
   * them up on processors with 512-bit vectors.
   */
  static long bytes(WeightType type, long outputs, long inputs) {
    long rest = outputs % BLOCK;
    long full = outputs / BLOCK * blockBytes(type, BLOCK, inputs);
    return rest == 0 ? full : full + blockBytes(type, rest, inputs);
  }

  private static long blockBytes(WeightType type, long outputs, long inputs) {
    long all = (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
    long each = (inputs * type.bytes() + INPUT_BYTES - 1) / INPUT_BYTES * INPUT_BYTES;
    // Beside integers there are a correction and a factor for each output.
    long beside = type == WeightType.INT8 ? Integer.BYTES + Float.BYTES : 0;
    return Arena.held(all * (each + beside));
  }

  private static memory.desc packedLayout(WeightType type, boolean paired, int rows, int columns) {
    memory.data_type srcType = type == WeightType.INT8 || paired ? dnnlType(type) : OneDnn.F32;
    return OneDnnCapabilities.layout(srcType, dnnlType(type), rows, columns);
  }

  private static memory.data_type dnnlType(WeightType type) {
    return switch (type) {
      case BFLOAT16 -> OneDnn.BF16;
      case INT8 -> OneDnn.S8;
      default -> OneDnn.F32;
    };
  }

  /** Returns the inputs of a slice; its first is a multiple of this. */
  private int slice() {
    return slice(type, paired, inputs);
  }

  private static int slice(WeightType type, boolean paired, int inputs) {
    return type == WeightType.BFLOAT16 && !paired ? SLICE : inputs;
  }

  /** A slice of a plain block: dims (in,out), one output feature's inputs contiguous. */
  private memory.desc plainLayout(int rows, long columns) {
    return new memory.desc(
        new long[] {rows, columns}, dnnlType(type), new long[] {1, Math.max(1, inputs)});
  }

  private OneDnn.Weights[] pack(MatrixSource source, int from, int columns) {
    OneDnn.Weights[] slices = new OneDnn.Weights[(inputs + slice() - 1) / slice()];
    memory scales = null;
    try (Arena scratch = new Arena()) {
      BytePointer block = scratch.allocate((long) type.bytes() * inputs * columns);
      switch (type) {
        case BFLOAT16 -> fill(block.asByteBuffer().asShortBuffer(), source, from, columns);
        case INT8 -> {
          fill(block.asByteBuffer(), source, from, columns);
          scales = OneDnn.scales(arena, factors, from, columns);
        }
        default -> fill(block.asByteBuffer().asFloatBuffer(), source, from, columns);
      }
      for (int i = 0; i < slices.length; i++) {
        int rows = Math.min(slice(), inputs - i * slice());
        memory packed = pack(plain(scratch, block, i, rows, columns), rows, columns);
        slices[i] = new OneDnn.Weights(packed, rows, columns, scales);
      }
    }
    return slices;
  }

  private memory plain(Arena scratch, BytePointer block, int slice, int rows, long columns) {
    long start = (long) type.bytes() * slice * slice();
    BytePointer part = Arena.window(block, start, block.limit() - start);
    try (memory.desc plain = plainLayout(rows, columns)) {
      return scratch.own(new memory(plain, OneDnn.cpu(), part));
    }
  }

  private memory pack(memory plain, int rows, int columns) {
    if (type == WeightType.INT8 && !OneDnnCapabilities.int8()) {
      memory to = new memory(plain.get_desc(), OneDnn.cpu(), arena.allocate((long) rows * columns));
      OneDnn.reorder(plain, arena.own(to));
      return to;
    }
    try (memory.desc layout = packedLayout(type, paired, rows, columns)) {
      memory to = new memory(layout, OneDnn.cpu(), arena.allocate(layout.get_size()));
      OneDnn.reorder(plain, arena.own(to));
      return to;
    }
  }

  private void fill(FloatBuffer to, MatrixSource source, int from, int columns) {
    float[] row = new float[inputs];
    for (int i = 0; i < columns; i++) {
      source.read(from + i, row);
      to.put(i * inputs, row, 0, inputs);
    }
  }

  private void fill(ShortBuffer to, MatrixSource source, int from, int columns) {
    float[] row = new float[inputs];
    short[] narrow = new short[inputs];
    for (int i = 0; i < columns; i++) {
      source.readBfloat16(from + i, row, narrow);
      to.put(i * inputs, narrow, 0, inputs);
    }
  }

  private void fill(ByteBuffer to, MatrixSource source, int from, int columns) {
    float[] row = new float[inputs];
    byte[] narrow = new byte[inputs];
    for (int i = 0; i < columns; i++) {
      source.read(from + i, row);
      factors[from + i] = Int8.round(row, inputs, narrow);
      to.put(i * inputs, narrow, 0, inputs);
    }
  }

  @Override
  public int inputs() {
    return inputs;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public WeightType type() {
    return type;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public InputForm inputForm(int rows, boolean bfloat16) {
    if (type == WeightType.INT8) {
      return OneDnnCapabilities.int8() ? Int8Input.FORM : PreparedInput.Direct.FORM;
    }
    if (paired && bfloat16 && rows >= NARROW_ROWS) {
      return Bf16Input.FORM;
    }
    return paired && rows < RELAID_ROWS ? SplitBf16Input.FORM : PreparedInput.Direct.FORM;
  }

  @Override
  public BlockMatMul block(
      PlanContext context, PreparedInput x, int from, Fp32Tile to, Activation f) {
    OneDnn.Weights[] w = blocks[from / BLOCK];
    if (from % BLOCK != 0 || to.columns() != w[0].columns()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a part of %d outputs, got %d from %d on",
              w[0].columns(),
              to.columns(),
              from));
    }
    if (x instanceof Int8Input rounded) {
      return new Int8MatMul(context, rounded, new Block(w[0]), w[0].scales(), to, f);
    }
    if (x instanceof SplitBf16Input split) {
      return new SplitBf16MatMul(context, split, w[0], to, f);
    }
    if (x instanceof Bf16Input narrow) {
      return new Bf16MatMul(context, narrow, new Block(w[0]), to, f);
    }
    Fp32Tile rows = (Fp32Tile) x.tile();
    return paired || type == WeightType.INT8
        ? new RepackedMatMul(context, rows, new Block(w[0]), w[0].scales(), to, f)
        : new Fp32MatMul(context, rows, w, to, f);
  }

  /** Weights as they lie. */
  private record Block(OneDnn.Weights weights, BytePointer place) implements WeightsBlock {
    Block(OneDnn.Weights weights) {
      this(weights, new BytePointer(weights.packed().get_data_handle()));
    }

    @Override
    public int inputs() {
      return (int) weights.rows();
    }

    @Override
    public int columns() {
      return (int) weights.columns();
    }

    @Override
    public memory.desc layout() {
      return weights.packed().get_desc();
    }

    @Override
    public BytePointer in(LaneScratch scratch) {
      return place;
    }
  }

  @Override
  public void checkOpen() {
    if (closed) {
      throw new IllegalStateException("these weights are closed");
    }
  }

  @Override
  public MatrixSource unpack() {
    checkOpen();
    return new Unpacked();
  }

  /** Lays one block after the other out as it was given. */
  private final class Unpacked implements MatrixSource {
    private ByteBuffer plain;
    private int current = -1;

    @Override
    public int rows() {
      return outputs;
    }

    @Override
    public int columns() {
      return inputs;
    }

    @Override
    public void read(int row, float[] into) {
      checkOpen();
      if (row / BLOCK != current) {
        plain = unpackBlock(row / BLOCK);
        current = row / BLOCK;
      }
      OneDnnWeights.this.read(plain, row % BLOCK, row, into);
    }

    @Override
    public void read(int row, double[] into) {
      float[] narrow = new float[inputs];
      read(row, narrow);
      for (int i = 0; i < inputs; i++) {
        into[i] = narrow[i];
      }
    }
  }

  private ByteBuffer unpackBlock(int b) {
    long columns = blocks[b][0].columns();
    try (Arena scratch = new Arena()) {
      BytePointer block = scratch.allocate((long) type.bytes() * inputs * columns);
      for (int i = 0; i < blocks[b].length; i++) {
        OneDnn.Weights slice = blocks[b][i];
        memory plain = plain(scratch, block, i, (int) slice.rows(), columns);
        OneDnn.reorder(slice.packed(), plain);
      }
      ByteBuffer heap =
          ByteBuffer.allocate(Math.toIntExact(block.limit())).order(ByteOrder.nativeOrder());
      return heap.put(block.asByteBuffer()).flip();
    }
  }

  private void read(ByteBuffer block, int i, int output, float[] row) {
    int at = i * inputs;
    switch (type) {
      case BFLOAT16 -> {
        ShortBuffer from = block.asShortBuffer();
        for (int j = 0; j < inputs; j++) {
          row[j] = Bfloat16.toFloat(from.get(at + j));
        }
      }
      case INT8 -> {
        for (int j = 0; j < inputs; j++) {
          row[j] = block.get(at + j) * factors[output];
        }
      }
      default -> block.asFloatBuffer().get(at, row, 0, inputs);
    }
  }

  @Override
  public boolean closed() {
    return closed;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public void close() {
    lanes.exclusively(
        () -> {
          closed = true;
          arena.close();
        });
  }
}
