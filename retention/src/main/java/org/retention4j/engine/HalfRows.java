package org.retention4j.engine;

/** Rows of bf16 in one array, widened when they are read. */
final class HalfRows implements FloatCacheRows {
  private final short[] data;
  private final int width;

  HalfRows(int rows, int width) {
    this(new short[rows * width], width);
  }

  private HalfRows(short[] data, int width) {
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
  public void load(Kernels kernels, float[] room, Float32Tile dst) {
    for (int i = 0; i < dst.rows(); i++) {
      kernels.widen(data, i * width, room, width);
      dst.write(i, room, width);
    }
  }

  @Override
  public HalfRows copy() {
    return new HalfRows(data.clone(), width);
  }
}
