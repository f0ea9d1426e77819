package org.retention4j.engine;

import java.nio.IntBuffer;
import java.util.SplittableRandom;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;

/**
 * 8-bit integer weights on the heap with one factor per output, four inputs in an integer, see
 * {@link Int8Kernels}. Few rows multiply them as they are. Many are rounded to 8 bits too, and
 * oneDNN multiplies them with a copy. On processors without 512-bit vectors or without instructions
 * for that the copy is widened to fp32, and the rows stay as they are.
 */
final class HeapInt8 extends HeapMatrix {
  /** From so many rows on rounding them is faster, the copy included. */
  private static final int COPIED_ROWS = 5;

  /** Inputs are filled up to a multiple of this, as oneDNN fills them up. */
  static final int INPUTS = 64;

  /** Rounded rows are handed over as signed, where oneDNN wants them so: it adds this to them. */
  private static final int SHIFT = 128;

  private final float[] factors;

  /** What oneDNN takes off for the shift: −128 times the sum of an output's weights. */
  private final int[] compensation;

  HeapInt8(Engine engine, MatrixSource source) {
    super(
        engine, source, Int8Kernels.create(), steps(source.columns()), Float.BYTES + Integer.BYTES);
    factors = new float[paddedOutputs(outputs())];
    compensation = new int[factors.length];
    float[] room = new float[inputs()];
    byte[] row = new byte[4 * steps()];
    for (int o = 0; o < outputs(); o++) {
      source.read(o, room);
      factors[o] = Int8.round(room, inputs(), row);
      fill(o, row);
    }
  }

  private void fill(int output, byte[] row) {
    int at = at(output / GROUP) + output % GROUP;
    int sum = 0;
    for (int p = 0; p < steps(); p++) {
      data()[at + p * GROUP] =
          Int8Kernels.pack(row[4 * p], row[4 * p + 1], row[4 * p + 2], row[4 * p + 3]);
      sum += row[4 * p] + row[4 * p + 1] + row[4 * p + 2] + row[4 * p + 3];
    }
    compensation[output] = -SHIFT * sum;
  }

  /** Returns the integers of so many inputs. */
  static int steps(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS / 4;
  }

  @Override
  public Operand.Kind operandKind(int rows, boolean bfloat16) {
    if (roundsRows()) {
      return rows < COPIED_ROWS ? Operand.Kind.INT8_ROWS : Operand.Kind.INT8;
    }
    return rows < WidenedPart.ROWS ? Operand.Kind.INT8_ROWS : Operand.Kind.DIRECT;
  }

  @Override
  public ProjectionPart part(
      Arena owner, Scratch scratch, Operand x, int from, Float32Tile to, Activation f) {
    if (x instanceof HeapRows rows) {
      return new HeapPart(owner, scratch, rows, this, from / GROUP, to, f);
    }
    if (!roundsRows()) {
      return new WidenedPart(owner, scratch, (Float32Tile) x.tile(), this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    memory scales = OneDnn.scales(owner, factors, from, to.columns());
    return new Int8Part(owner, scratch, (Int8Operand) x, copied, scales, to, f);
  }

  @Override
  void widen(int group, int from, int count, float[] to, int place, int width) {
    int at = at(group) + from / 4 * GROUP;
    Int8Kernels.widen(data(), at, count / 4, factors, group * GROUP, to, place, width);
  }

  @Override
  memory.desc layout(int columns) {
    return Layout.of(inputs(), columns);
  }

  /** Returns whether oneDNN has nothing for them that would be lost on the heap. */
  static boolean suits() {
    return !PairedKernels.WIDE || !NarrowProducts.int8() || Layout.KNOWN;
  }

  /** Returns whether many rows are rounded too, and oneDNN multiplies integers. */
  static boolean roundsRows() {
    return PairedKernels.WIDE && NarrowProducts.int8() && Layout.KNOWN;
  }

  @Override
  void append(int firstGroup, int width, IntBuffer to) {
    to.put(compensation, firstGroup * GROUP, width);
  }

  /** How oneDNN lays 8-bit weights out, which it says only in part. */
  private static final class Layout {
    /** Whether it is as this class lays them out: asked once, with a small matrix. */
    static final boolean KNOWN = ask();

    private static final int ROWS = 64;

    /** Outputs side by side. */
    private static final int COLUMNS = 64;

    static memory.desc of(int inputs, int columns) {
      return OneDnn.packedLayout(OneDnn.S8, OneDnn.S8, ROWS, inputs, columns);
    }

    private static boolean ask() {
      int inputs = 100;
      int columns = 70;
      byte[] plain = new byte[inputs * columns];
      SplittableRandom random = new SplittableRandom(1);
      for (int i = 0; i < plain.length; i++) {
        plain[i] = (byte) random.nextInt(-127, 128);
      }
      int width = paddedOutputs(columns);
      int depth = 4 * steps(inputs);
      try (Arena arena = new Arena();
          memory.desc from =
              new memory.desc(new long[] {inputs, columns}, OneDnn.S8, new long[] {1, inputs});
          memory.desc to = of(inputs, columns)) {
        if (to.get_size() != (long) width * (depth + Integer.BYTES)) {
          return false;
        }
        BytePointer source = arena.allocate(plain.length);
        source.asByteBuffer().put(plain);
        BytePointer packed = arena.allocate(to.get_size());
        OneDnn.reorder(
            arena.own(new memory(from, OneDnn.cpu(), source)),
            arena.own(new memory(to, OneDnn.cpu(), packed)));
        return asExpected(plain, inputs, columns, depth, packed);
      }
    }

    private static boolean asExpected(
        byte[] plain, int inputs, int columns, int depth, BytePointer packed) {
      int width = paddedOutputs(columns);
      for (int o = 0; o < columns; o++) {
        int sum = 0;
        for (int i = 0; i < inputs; i++) {
          int block = o / COLUMNS * COLUMNS * depth;
          int at = block + i / 4 * 4 * COLUMNS + o % COLUMNS * 4 + i % 4;
          if (packed.get(at) != plain[o * inputs + i]) {
            return false;
          }
          sum += plain[o * inputs + i];
        }
        if (packed.asByteBuffer().asIntBuffer().get(width * depth / 4 + o) != -SHIFT * sum) {
          return false;
        }
      }
      return true;
    }
  }

  @Override
  boolean sumsInOrder() {
    return false;
  }

  @Override
  int signs() {
    return Int8Kernels.SIGNS;
  }

  @Override
  Operand.Kind rowsKind() {
    return Operand.Kind.INT8_ROWS;
  }

  @Override
  void finish(float[] sums, int at, int count, int output) {
    for (int i = 0; i < count; i++) {
      sums[at + i] *= Int8Kernels.FACTOR * factors[output + i];
    }
  }

  @Override
  public WeightType type() {
    return WeightType.INT8;
  }

  @Override
  void read(int output, int from, float[] row) {
    for (int i = 0; i < inputs(); i++) {
      row[i] = Int8Kernels.unpack(data()[from + i / 4 * GROUP], i % 4) * factors[output];
    }
  }
}
