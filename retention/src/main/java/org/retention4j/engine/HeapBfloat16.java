package org.retention4j.engine;

import java.nio.IntBuffer;
import org.bytedeco.dnnl.memory;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** bf16 weights on the heap, pairs of inputs in an integer. */
final class HeapBfloat16 extends HeapMatrix {
  /** From so many rows on rounding them to bf16, where that is allowed, is faster. */
  private static final int NARROW_ROWS = 64;

  /** From so many rows on oneDNN's products are faster, the copy included. */
  private static final int COPIED_ROWS = 96;

  /** Inputs are filled up to a multiple of this. */
  private static final int INPUTS = 32;

  private HeapBfloat16(Engine engine, MatrixSource source) {
    super(engine, source, pairs(source), 0);
    float[] room = new float[inputs()];
    short[][] rows = new short[GROUP][2 * steps()];
    for (int from = 0; from < outputs(); from += GROUP) {
      int count = Math.min(GROUP, outputs() - from);
      for (int o = 0; o < count; o++) {
        source.readBfloat16(from + o, room, rows[o]);
      }
      fill(at(from / GROUP), rows, count);
    }
  }

  private void fill(int group, short[][] rows, int count) {
    int[] data = data();
    for (int p = 0; p < steps(); p++) {
      for (int o = 0; o < count; o++) {
        data[group + p * GROUP + o] = rows[o][2 * p] & 0xffff | rows[o][2 * p + 1] << 16;
      }
    }
  }

  private static int pairs(MatrixSource source) {
    return padded(source.columns()) / 2;
  }

  /** Returns a number of inputs, filled up. */
  static int padded(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS;
  }

  /** Packs weights, or returns null when they cannot lie on the heap, see {@link #reserve}. */
  static HeapBfloat16 tryPack(Engine engine, MatrixSource source) {
    if (!OneDnn.multipliesBfloat16() || !reserve(engine, source.rows(), pairs(source))) {
      return null;
    }
    try {
      return new HeapBfloat16(engine, source);
    } catch (RuntimeException | Error e) {
      giveBack(source.rows(), pairs(source));
      throw e;
    }
  }

  @Override
  public Operand.Kind operandKind(int rows, boolean bfloat16) {
    if (bfloat16 && rows >= NARROW_ROWS) {
      return Operand.Kind.BFLOAT16;
    }
    return rows < COPIED_ROWS ? Operand.Kind.ROWS : Operand.Kind.DIRECT;
  }

  @Override
  public ProjectionPart part(
      Arena owner, Scratch scratch, Operand x, int from, Float32Tile to, Activation f) {
    if (x instanceof HeapRows rows) {
      return new HeapPart(owner, scratch, rows, this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    return x instanceof Bfloat16Operand narrow
        ? new PairedPart(owner, scratch, narrow, copied, to, f)
        : new RelaidPart(owner, scratch, (Float32Tile) x.tile(), copied, to, f);
  }

  @Override
  memory.desc layout(int columns) {
    return new memory.desc(
        new long[] {inputs(), columns}, OneDnn.BF16, memory.format_tag.BA16a64b2a);
  }

  @Override
  void append(int firstGroup, int width, IntBuffer to) {}

  @Override
  void interleave(int at, int apart, int count, int[] to) {
    PairedKernels.interleave(data(), at, apart, count, to);
  }

  @Override
  Operand.Kind rowsKind() {
    return Operand.Kind.ROWS;
  }

  @Override
  void multiplyEight(int at, int apart, float[] row, float[] sum, int to, int toApart) {
    PairedKernels.multiplyEight(data(), at, apart, steps(), row, sum, to, toApart);
  }

  @Override
  void multiplyFour(int at, int apart, float[] row, float[] sum, int to, int toApart) {
    PairedKernels.multiplyFour(data(), at, apart, steps(), row, sum, to, toApart);
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
    PairedKernels.addFour(
        data(), at + from * GROUP, apart, count, four, 2 * from, width, sum, to, toApart, rowApart);
  }

  @Override
  void finish(float[] sums, int at, int count, int output) {}

  @Override
  public WeightType type() {
    return WeightType.BFLOAT16;
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
        int both = data()[from + i / 2 * GROUP];
        row[i] = Float.intBitsToFloat(i % 2 == 0 ? both << 16 : both & 0xffff0000);
      }
      rows.write(0, o, 0, row);
    }
    return result;
  }
}
