package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.internal.memory.Fp32Tile;

/** Rows of bf16 in one array, widened when they are read. */
final class Bf16Matrix implements Fp32KvMatrix {
  private final short[] data;
  private final int width;

  Bf16Matrix(int rows, int width) {
    this(new short[rows * width], width);
  }

  private Bf16Matrix(short[] data, int width) {
    this.data = data;
    this.width = width;
  }

  @Override
  public void set(int row, int column, double value) {
    data[row * width + column] = Bfloat16.fromFloat((float) value);
  }

  @Override
  public double get(int row, int column) {
    return Bfloat16.toFloat(data[row * width + column]);
  }

  @Override
  public void add(Kernels kernels, int count, float[] factors, float[] sum) {
    kernels.addRows(data, count, width, factors, sum);
  }

  @Override
  public void load(Kernels kernels, float[] room, Fp32Tile dst) {
    for (int i = 0; i < dst.rows(); i++) {
      kernels.widen(data, i * width, room, width);
      dst.write(i, room, width);
    }
  }

  @Override
  public void clear() {
    Arrays.fill(data, (short) 0);
  }

  @Override
  public Bf16Matrix copy() {
    return new Bf16Matrix(data.clone(), width);
  }
}
