package org.retention4j.engine;

import java.nio.IntBuffer;
import org.bytedeco.dnnl.memory;

/**
 * bf16 weights on the heap, pairs of inputs in an integer. Few rows multiply them as they are; for
 * many oneDNN gets a copy, widened to fp32 where the processor does not know the type.
 */
final class HeapBfloat16 extends HeapMatrix {
  /** From so many rows on rounding them to bf16, where that is allowed, is faster. */
  private static final int NARROW_ROWS = 64;

  /** From so many rows on oneDNN's products are faster, the copy included. */
  private static final int COPIED_ROWS = 96;

  /** Inputs are filled up to a multiple of this. */
  private static final int INPUTS = 32;

  HeapBfloat16(Engine engine, MatrixSource source) {
    super(engine, source, PairedKernels.create(), steps(source.columns()), 0);
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

  /** Returns the integers of so many inputs. */
  static int steps(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS / 2;
  }

  @Override
  public Operand.Kind operandKind(int rows, boolean bfloat16) {
    if (bfloat16 && rows >= NARROW_ROWS && copies()) {
      return Operand.Kind.BFLOAT16;
    }
    int few = copies() ? COPIED_ROWS : WidenedPart.ROWS;
    return rows < few ? Operand.Kind.ROWS : Operand.Kind.DIRECT;
  }

  @Override
  public ProjectionPart part(
      Arena owner, Scratch scratch, Operand x, int from, Float32Tile to, Activation f) {
    if (x instanceof HeapRows rows) {
      return new HeapPart(owner, scratch, rows, this, from / GROUP, to, f);
    }
    if (!copies()) {
      return new WidenedPart(owner, scratch, (Float32Tile) x.tile(), this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    return x instanceof Bfloat16Operand narrow
        ? new PairedPart(owner, scratch, narrow, copied, to, f)
        : new RelaidPart(owner, scratch, (Float32Tile) x.tile(), copied, null, to, f);
  }

  /** Returns whether oneDNN has products with a copy as it lies, of bf16 rows too. */
  static boolean copies() {
    return PairedKernels.WIDE && NarrowProducts.bfloat16();
  }

  @Override
  void widen(int group, int from, int count, float[] to, int place, int width) {
    int at = at(group) + from / 2 * GROUP;
    PairedKernels.widen(data(), at, count / 2, to, place, width);
  }

  @Override
  memory.desc layout(int columns) {
    return new memory.desc(
        new long[] {inputs(), columns}, OneDnn.BF16, memory.format_tag.BA16a64b2a);
  }

  @Override
  void append(int firstGroup, int width, IntBuffer to) {}

  @Override
  boolean sumsInOrder() {
    return true;
  }

  @Override
  int signs() {
    return 0;
  }

  @Override
  Operand.Kind rowsKind() {
    return Operand.Kind.ROWS;
  }

  @Override
  void finish(float[] sums, int at, int count, int output) {}

  @Override
  public WeightType type() {
    return WeightType.BFLOAT16;
  }

  @Override
  void read(int output, int from, float[] row) {
    for (int i = 0; i < inputs(); i++) {
      int both = data()[from + i / 2 * GROUP];
      row[i] = Float.intBitsToFloat(i % 2 == 0 ? both << 16 : both & 0xffff0000);
    }
  }
}
