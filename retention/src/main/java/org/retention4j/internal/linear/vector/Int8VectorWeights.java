package org.retention4j.internal.linear.vector;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.Int8;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.linear.onednn.Int8Input;
import org.retention4j.internal.linear.onednn.Int8MatMul;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.linear.onednn.OneDnnCapabilities;
import org.retention4j.internal.linear.onednn.WeightsBlock;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * 8-bit integer weights on the heap with one factor per output, four inputs in an integer, see
 * {@link Int8Kernel}. Few rows multiply them as they are. Many are rounded to 8 bits too, and
 * oneDNN multiplies them with a copy. On processors without 512-bit vectors or without instructions
 * for that the copy is widened to fp32, and the rows stay as they are.
 */
final class Int8VectorWeights extends VectorWeights {
  /** From so many rows on rounding them is faster, the copy included. */
  private static final int COPIED_ROWS = 5;

  /** Inputs are filled up to a multiple of this, as oneDNN fills them up. */
  static final int INPUTS = 64;

  /** Rounded rows are handed over as signed, where oneDNN wants them so: it adds this to them. */
  private static final int SHIFT = 128;

  /** Bytes of an output beside its integers: a factor and a correction. */
  static final int MORE_BYTES = Float.BYTES + Integer.BYTES;

  private final float[] factors;

  /** What oneDNN takes off where it shifts rows: −128 times the sum of an output's weights. */
  private final int[] compensation;

  Int8VectorWeights(Lanes lanes, int outputs, int inputs) {
    super(lanes, outputs, inputs, Int8Kernel.create(), (int) steps(inputs), MORE_BYTES);
    factors = new float[paddedOutputs(outputs)];
    compensation = new int[factors.length];
  }

  @Override
  void fill(MatrixSource source) {
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
          Int8Kernel.pack(row[4 * p], row[4 * p + 1], row[4 * p + 2], row[4 * p + 3]);
      sum += row[4 * p] + row[4 * p + 1] + row[4 * p + 2] + row[4 * p + 3];
    }
    compensation[output] = -SHIFT * sum;
  }

  /** Returns the integers of so many inputs. */
  static long steps(long inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS / 4;
  }

  @Override
  public InputForm inputForm(int rows, boolean bfloat16) {
    if (roundsRows()) {
      return rows < COPIED_ROWS ? RowPanels.INT8_FORM : Int8Input.FORM;
    }
    return rows < DequantizedMatMul.ROWS ? RowPanels.INT8_FORM : PreparedInput.Direct.FORM;
  }

  @Override
  public BlockMatMul block(
      PlanContext context, PreparedInput x, int from, Fp32Tile to, Activation f) {
    if (x instanceof RowPanels rows) {
      return new VectorMatMul(context, rows, this, from / GROUP, to, f);
    }
    if (!roundsRows()) {
      return new DequantizedMatMul(context, (Fp32Tile) x.tile(), this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    memory scales = OneDnn.scales(context.owner(), factors, from, to.columns());
    return new Int8MatMul(context, (Int8Input) x, copied, scales, to, f);
  }

  @Override
  void widen(int group, int from, int count, float[] to, int place, int width) {
    int at = at(group) + from / 4 * GROUP;
    Int8Kernel.widen(data(), at, count / 4, factors, group * GROUP, to, place, width);
  }

  @Override
  memory.desc layout(int columns) {
    return Layout.of(inputs(), columns);
  }

  /** Returns whether oneDNN has nothing for them that would be lost on the heap. */
  static boolean suits() {
    return !VectorGeometry.WIDE || !OneDnnCapabilities.int8() || Layout.KNOWN;
  }

  /** Returns whether many rows are rounded too, and oneDNN multiplies integers. */
  static boolean roundsRows() {
    return VectorGeometry.WIDE && OneDnnCapabilities.int8() && Layout.KNOWN;
  }

  @Override
  void append(int firstGroup, int width, IntBuffer to) {
    to.put(compensation, firstGroup * GROUP, width);
  }

  /** How oneDNN lays 8-bit weights out, which it says only in part. */
  private static final class Layout {
    /** Few enough that there is a correction, and so many that on AMX there is none. */
    private static final int[] ASKED = {70, 450};

    /** Whether it is as this class lays them out: asked once, with small matrices. */
    static final boolean KNOWN = ask();

    /** Outputs side by side. */
    private static final int COLUMNS = 64;

    static memory.desc of(int inputs, int columns) {
      return OneDnnCapabilities.layout(OneDnn.S8, OneDnn.S8, inputs, columns);
    }

    private static boolean ask() {
      return Arrays.stream(ASKED).allMatch(Layout::isKnown);
    }

    private static boolean isKnown(int columns) {
      int inputs = 100;
      byte[] plain = new byte[inputs * columns];
      SplittableRandom random = new SplittableRandom(1);
      for (int i = 0; i < plain.length; i++) {
        plain[i] = (byte) random.nextInt(-127, 128);
      }
      int width = paddedOutputs(columns);
      int depth = 4 * (int) steps(inputs);
      try (Arena arena = new Arena();
          memory.desc from =
              new memory.desc(new long[] {inputs, columns}, OneDnn.S8, new long[] {1, inputs});
          memory.desc to = of(inputs, columns)) {
        boolean corrected = to.get_size() == (long) width * (depth + Integer.BYTES);
        if (!corrected && to.get_size() != (long) width * depth) {
          return false;
        }
        BytePointer source = arena.allocate(plain.length);
        source.asByteBuffer().put(plain);
        BytePointer packed = arena.allocate(to.get_size());
        OneDnn.reorder(
            arena.own(new memory(from, OneDnn.cpu(), source)),
            arena.own(new memory(to, OneDnn.cpu(), packed)));
        return asExpected(plain, inputs, columns, depth, packed, corrected);
      }
    }

    private static boolean asExpected(
        byte[] plain, int inputs, int columns, int depth, BytePointer packed, boolean corrected) {
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
        if (corrected
            && packed.asByteBuffer().asIntBuffer().get(width * depth / 4 + o) != -SHIFT * sum) {
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
    return Int8Kernel.SIGNS;
  }

  @Override
  InputForm rowsForm() {
    return RowPanels.INT8_FORM;
  }

  @Override
  void finish(float[] sums, int at, int count, int output) {
    for (int i = 0; i < count; i++) {
      sums[at + i] *= Int8Kernel.FACTOR * factors[output + i];
    }
  }

  @Override
  public WeightType type() {
    return WeightType.INT8;
  }

  @Override
  void read(int output, int from, float[] row) {
    for (int i = 0; i < inputs(); i++) {
      row[i] = Int8Kernel.unpack(data()[from + i / 4 * GROUP], i % 4) * factors[output];
    }
  }
}
