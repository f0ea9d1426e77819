package org.retention4j.engine;

import java.nio.IntBuffer;
import java.util.SplittableRandom;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * 8-bit integer weights on the heap with one factor per output, four inputs in an integer, see
 * {@link Int8Kernels}. Few rows multiply them as they are. Many are rounded to 8 bits too, and
 * oneDNN multiplies them with a copy.
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

  private HeapInt8(Engine engine, MatrixSource source) {
    super(engine, source, steps(source.columns()), Float.BYTES + Integer.BYTES);
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

  private static int steps(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS / 4;
  }

  /** Packs weights, or returns null when they cannot lie on the heap, see {@link #reserve}. */
  static HeapInt8 tryPack(Engine engine, MatrixSource source) {
    int steps = steps(source.columns());
    if (!Layout.KNOWN || !reserve(engine, source.rows(), steps)) {
      return null;
    }
    try {
      return new HeapInt8(engine, source);
    } catch (RuntimeException | Error e) {
      giveBack(source.rows(), steps);
      throw e;
    }
  }

  @Override
  public Operand.Kind operandKind(int rows, boolean bfloat16) {
    return rows < COPIED_ROWS ? Operand.Kind.INT8_ROWS : Operand.Kind.INT8;
  }

  @Override
  public ProjectionPart part(
      Arena owner, Scratch scratch, Operand x, int from, Float32Tile to, Activation f) {
    if (x instanceof HeapRows rows) {
      return new HeapPart(owner, scratch, rows, this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    memory scales = OneDnn.scales(owner, factors, from, to.columns());
    return new Int8Part(owner, scratch, (Int8Operand) x, copied, scales, to, f);
  }

  @Override
  memory.desc layout(int columns) {
    return Layout.of(inputs(), columns);
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
  void interleave(int at, int apart, int count, int[] to) {
    Int8Kernels.interleave(data(), at, apart, count, to);
  }

  @Override
  Operand.Kind rowsKind() {
    return Operand.Kind.INT8_ROWS;
  }

  @Override
  void multiplyEight(int at, int apart, float[] row, float[] sum, int to, int toApart) {
    Int8Kernels.multiplyEight(data(), at, apart, steps(), row, sum, to, toApart);
  }

  @Override
  void multiplyFour(int at, int apart, float[] row, float[] sum, int to, int toApart) {
    Int8Kernels.multiplyFour(data(), at, apart, steps(), row, sum, to, toApart);
  }

  @Override
  void addFour(
      int at,
      int apart,
      int from,
      int count,
      float[] four,
      int width,
      float[] sum,
      int to,
      int toApart,
      int rowApart) {
    Int8Kernels.addFour(
        data(), at + from * GROUP, apart, count, four, 4 * from, width, sum, to, toApart, rowApart);
  }

  @Override
  void finish(float[] sums, int at, int count, int output) {
    for (int i = 0; i < count; i++) {
      sums[at + i] = sums[at + i] * Int8Kernels.FACTOR * factors[output + i];
    }
  }

  @Override
  public WeightType type() {
    return WeightType.INT8;
  }

  @Override
  public INDArray unpack() {
    checkOpen();
    INDArray result = Nd4j.createUninitialized(DataType.FLOAT, outputs(), inputs());
    Rows rows = Rows.of(result.reshape(1, outputs(), inputs()));
    float[] row = new float[inputs()];
    for (int o = 0; o < outputs(); o++) {
      int from = at(o / GROUP) + o % GROUP;
      for (int i = 0; i < inputs(); i++) {
        row[i] = Int8Kernels.unpack(data()[from + i / 4 * GROUP], i % 4) * factors[o];
      }
      rows.write(0, o, 0, row);
    }
    return result;
  }
}
