package org.retention4j.engine;

import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Weights in oneDNN's own layout, cut into blocks of output features that lanes share out. */
final class Float32Packed implements PackedMatrix {
  /** Enough blocks for two to sixteen lanes at the usual widths, each large enough to stream. */
  static final int BLOCK = 1024;

  /** The number of rows for which the layout is chosen; one row streams it as fast. */
  private static final int LAYOUT_ROWS = 512;

  private final Engine engine;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final WeightType type;
  private final memory[] blocks;
  private volatile boolean closed;

  Float32Packed(Engine engine, INDArray source, WeightType type) {
    this.engine = engine;
    outputs = Math.toIntExact(source.size(0));
    inputs = Math.toIntExact(source.size(1));
    this.type = type;
    blocks = new memory[(outputs + BLOCK - 1) / BLOCK];
    Rows rows = Rows.of(source.reshape(1, outputs, inputs));
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = pack(rows, i * BLOCK, blockColumns(i));
    }
  }

  private int blockColumns(int block) {
    return Math.min(BLOCK, outputs - block * BLOCK);
  }

  private memory.data_type dnnlType() {
    return type == WeightType.BFLOAT16 ? OneDnn.BF16 : OneDnn.F32;
  }

  /** The plain layout of a block: dims (in,out), one output feature's inputs contiguous. */
  private memory.desc plainLayout(int columns) {
    return new memory.desc(
        new long[] {inputs, columns}, dnnlType(), new long[] {1, Math.max(1, inputs)});
  }

  private memory pack(Rows rows, int from, int columns) {
    try (Arena scratch = new Arena();
        memory.desc plain = plainLayout(columns);
        memory.desc layout = OneDnn.packedLayout(dnnlType(), LAYOUT_ROWS, inputs, columns)) {
      BytePointer block = scratch.allocate((long) type.bytes() * inputs * columns);
      if (type == WeightType.BFLOAT16) {
        fill(block.asByteBuffer().asShortBuffer(), rows, from, columns);
      } else {
        fill(block.asByteBuffer().asFloatBuffer(), rows, from, columns);
      }
      memory to = new memory(layout, OneDnn.cpu(), arena.allocate(layout.get_size()));
      OneDnn.reorder(scratch.own(new memory(plain, OneDnn.cpu(), block)), arena.own(to));
      return to;
    }
  }

  private void fill(FloatBuffer to, Rows rows, int from, int columns) {
    float[] row = new float[inputs];
    for (int i = 0; i < columns; i++) {
      rows.read(0, from + i, 0, row);
      to.put(i * inputs, row, 0, inputs);
    }
  }

  private void fill(ShortBuffer to, Rows rows, int from, int columns) {
    float[] row = new float[inputs];
    for (int i = 0; i < columns; i++) {
      rows.read(0, from + i, 0, row);
      for (int j = 0; j < inputs; j++) {
        to.put(i * inputs + j, Bfloat16.fromFloat(row[j]));
      }
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

  memory[] blocks() {
    checkOpen();
    return blocks;
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("these weights are closed");
    }
  }

  @Override
  public INDArray unpack() {
    checkOpen();
    INDArray result = Nd4j.createUninitialized(DataType.FLOAT, outputs, inputs);
    Rows rows = Rows.of(result.reshape(1, outputs, inputs));
    float[] row = new float[inputs];
    for (int b = 0; b < blocks.length; b++) {
      int columns = blockColumns(b);
      try (Arena scratch = new Arena();
          memory.desc plain = plainLayout(columns)) {
        BytePointer block = scratch.allocate((long) type.bytes() * inputs * columns);
        OneDnn.reorder(blocks[b], scratch.own(new memory(plain, OneDnn.cpu(), block)));
        for (int i = 0; i < columns; i++) {
          read(block, i, row);
          rows.write(0, b * BLOCK + i, 0, row);
        }
      }
    }
    return result;
  }

  private void read(BytePointer block, int i, float[] row) {
    if (type == WeightType.FLOAT32) {
      block.asByteBuffer().asFloatBuffer().get(i * inputs, row, 0, inputs);
      return;
    }
    ShortBuffer from = block.asByteBuffer().asShortBuffer();
    for (int j = 0; j < inputs; j++) {
      row[j] = Bfloat16.toFloat(from.get(i * inputs + j));
    }
  }

  @Override
  public boolean closed() {
    return closed;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public void close() {
    engine.lock();
    try {
      closed = true;
      arena.close();
    } finally {
      engine.unlock();
    }
  }
}
