package org.retention4j.internal.linear.vector;

import java.nio.IntBuffer;
import org.bytedeco.dnnl.memory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.linear.onednn.Bf16Input;
import org.retention4j.internal.linear.onednn.Bf16MatMul;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.linear.onednn.OneDnnCapabilities;
import org.retention4j.internal.linear.onednn.RepackedMatMul;
import org.retention4j.internal.linear.onednn.WeightsBlock;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * bf16 weights on the heap, pairs of inputs in an integer. Few rows multiply them as they are; for
 * many oneDNN gets a copy, widened to fp32 where the processor does not know the type.
 */
final class Bf16VectorWeights extends VectorWeights {
  /** From so many rows on rounding them to bf16, where that is allowed, is faster. */
  private static final int NARROW_ROWS = 64;

  /** From so many rows on oneDNN's products are faster, the copy included. */
  private static final int COPIED_ROWS = 96;

  /** Inputs are filled up to a multiple of this. */
  private static final int INPUTS = 32;

  Bf16VectorWeights(Lanes lanes, int outputs, int inputs) {
    super(lanes, outputs, inputs, Bf16Kernel.create(), (int) steps(inputs), 0);
  }

  @Override
  void fill(MatrixSource source) {
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
        data[group + p * GROUP + o] = (rows[o][2 * p] & 0xffff) | (rows[o][2 * p + 1] << 16);
      }
    }
  }

  /** Returns the integers of so many inputs. */
  static long steps(long inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS / 2;
  }

  @Override
  public InputForm inputForm(int rows, boolean bfloat16) {
    if (rows < DequantizedMatMul.ROWS) {
      // Whatever oneDNN has, which takes a while to ask for the first time.
      return RowPanels.FORM;
    }
    if (bfloat16 && rows >= NARROW_ROWS && copies()) {
      return Bf16Input.FORM;
    }
    int few = copies() ? COPIED_ROWS : DequantizedMatMul.ROWS;
    return rows < few ? RowPanels.FORM : PreparedInput.Direct.FORM;
  }

  @Override
  public BlockMatMul block(
      PlanContext context, PreparedInput x, int from, Fp32Tile to, Activation f) {
    if (x instanceof RowPanels rows) {
      return new VectorMatMul(context, rows, this, from / GROUP, to, f);
    }
    if (!copies()) {
      return new DequantizedMatMul(context, (Fp32Tile) x.tile(), this, from / GROUP, to, f);
    }
    WeightsBlock copied = copied(from, to.columns());
    return x instanceof Bf16Input narrow
        ? new Bf16MatMul(context, narrow, copied, to, f)
        : new RepackedMatMul(context, (Fp32Tile) x.tile(), copied, null, to, f);
  }

  /** Returns whether oneDNN has products with a copy as it lies, of bf16 rows too. */
  static boolean copies() {
    return VectorGeometry.WIDE && OneDnnCapabilities.bfloat16();
  }

  @Override
  void widen(int group, int from, int count, float[] to, int place, int width) {
    int at = at(group) + from / 2 * GROUP;
    Bf16Kernel.widen(data(), at, count / 2, to, place, width);
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
  InputForm rowsForm() {
    return RowPanels.FORM;
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
