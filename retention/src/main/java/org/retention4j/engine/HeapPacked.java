package org.retention4j.engine;

import java.nio.IntBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * bf16 weights on the heap, where the Vector API can read them: it streams them faster than
 * oneDNN's products of few rows do. Groups of 16 outputs, in each the pairs of inputs one after the
 * other. oneDNN gets a copy of a block, as it likes it, when many rows multiply.
 */
final class HeapPacked implements Float32Matrix {
  /** From so many rows on rounding them to bf16, where that is allowed, is faster. */
  private static final int NARROW_ROWS = 64;

  /** From so many rows on oneDNN's products are faster, the copy included. */
  private static final int COPIED_ROWS = 96;

  /** Parts of few rows for each lane, so that none waits long for another. */
  private static final int PARTS = 4;

  /** Outputs of such a part, or a multiple of it: every stream reads a group or more. */
  private static final int PART = PairedKernels.SINGLE_STREAMS * PairedKernels.GROUP;

  /** Inputs are filled up to a multiple of this. */
  private static final int INPUTS = 32;

  /**
   * Where the first group begins: behind an array's header of 16 bytes, at a multiple of 64 where
   * the collector gives large arrays regions of their own, as G1 does. Elsewhere it costs a little
   * speed.
   */
  private static final int START = 12;

  /** Outputs are filled up to a multiple of this: as many as several rows read at once. */
  private static final int OUTPUTS = PairedKernels.STREAMS * PairedKernels.GROUP;

  /** Pairs that are copied at once. */
  private static final int PAIRS = 128;

  private static final int GROUP = PairedKernels.GROUP;

  /** The part of the heap that weights may take; states and caches need some too. */
  private static final double SHARE = 0.6;

  /** From so many bytes on it is worth while to have the kernels compiled first. */
  private static final long LARGE = 16L << 20;

  private static final AtomicLong HELD = new AtomicLong();

  private final Engine engine;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private int[] data;

  private HeapPacked(Engine engine, MatrixSource source) {
    this.engine = engine;
    inputs = source.columns();
    outputs = source.rows();
    data = new int[Math.toIntExact(START + length(source))];
    arena.account(bytes(source));
    float[] room = new float[inputs];
    short[][] rows = new short[GROUP][padded(inputs)];
    for (int from = 0; from < outputs; from += GROUP) {
      int count = Math.min(GROUP, outputs - from);
      for (int o = 0; o < count; o++) {
        source.readBfloat16(from + o, room, rows[o]);
      }
      fill(at(from / GROUP), rows, count);
    }
  }

  private void fill(int group, short[][] rows, int count) {
    for (int p = 0; p < pairs(); p++) {
      for (int o = 0; o < count; o++) {
        data[group + p * GROUP + o] = rows[o][2 * p] & 0xffff | rows[o][2 * p + 1] << 16;
      }
    }
  }

  /**
   * Packs weights, or returns null when this machine, this JVM or its heap is not made for it. What
   * the heap has room for depends on its limit and on the weights that it holds already.
   */
  static HeapPacked tryPack(Engine engine, MatrixSource source) {
    if (engine.provider() != Provider.VECTOR
        || !PairedKernels.wideEnough()
        || !OneDnn.multipliesBfloat16()
        || length(source) > Integer.MAX_VALUE - 32) {
      return null;
    }
    long bytes = bytes(source);
    long held = HELD.addAndGet(bytes);
    if (held > LARGE) {
      WarmUp.await();
    }
    if (held > SHARE * Runtime.getRuntime().maxMemory()) {
      HELD.addAndGet(-bytes);
      return null;
    }
    try {
      return new HeapPacked(engine, source);
    } catch (RuntimeException | Error e) {
      HELD.addAndGet(-bytes);
      throw e;
    }
  }

  /** Returns a number of inputs, filled up. */
  static int padded(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS;
  }

  /** Returns a number of outputs, filled up. */
  static int paddedOutputs(int outputs) {
    return (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
  }

  private static long length(MatrixSource source) {
    return (long) paddedOutputs(source.rows()) * (padded(source.columns()) / 2);
  }

  private static long bytes(MatrixSource source) {
    return Integer.BYTES * length(source);
  }

  /** Returns the pairs of inputs of a group. */
  int pairs() {
    return padded(inputs) / 2;
  }

  /** Returns where a group begins. */
  int at(int group) {
    return START + apart(group);
  }

  /** Returns how far so many groups reach. */
  int apart(int groups) {
    return groups * pairs() * GROUP;
  }

  int[] data() {
    return data;
  }

  @Override
  public Operand.Kind operandKind(int rows, boolean bfloat16) {
    if (bfloat16 && rows >= NARROW_ROWS) {
      return Operand.Kind.BFLOAT16;
    }
    return rows < COPIED_ROWS ? Operand.Kind.ROWS : Operand.Kind.DIRECT;
  }

  @Override
  public int block(Operand.Kind kind) {
    if (kind != Operand.Kind.ROWS) {
      return BLOCK;
    }
    int share = outputs / (PARTS * engine.threads());
    return Math.min(BLOCK, Math.max(1, share / PART) * PART);
  }

  @Override
  public ProjectionPart part(
      Arena owner, Scratch scratch, Operand x, int from, Float32Tile to, Activation f) {
    int firstGroup = from / GROUP;
    if (x instanceof HeapRows rows) {
      return new HeapPart(owner, scratch, rows, this, firstGroup, to, f);
    }
    Block copied = new Block(firstGroup, to.columns());
    return x instanceof Bfloat16Operand narrow
        ? new PairedPart(owner, scratch, narrow, copied, to, f)
        : new RelaidPart(owner, scratch, (Float32Tile) x.tile(), copied, to, f);
  }

  /** Some groups, copied into a lane's scratch when they are asked for. */
  private final class Block implements PairedBlock {
    private final int firstGroup;
    private final int columns;

    Block(int firstGroup, int columns) {
      this.firstGroup = firstGroup;
      this.columns = columns;
    }

    @Override
    public int inputs() {
      return inputs;
    }

    @Override
    public int columns() {
      return columns;
    }

    @Override
    public memory.desc layout() {
      return new memory.desc(
          new long[] {inputs, columns}, OneDnn.BF16, memory.format_tag.BA16a64b2a);
    }

    @Override
    public BytePointer in(Float32Lane lane) {
      int width = paddedOutputs(columns);
      BytePointer room = lane.parts().weightsBlock((long) Integer.BYTES * width * pairs());
      IntBuffer to = room.asByteBuffer().asIntBuffer();
      int[] some = lane.parts().integers(PAIRS * OUTPUTS);
      for (int g = 0; g < width / GROUP; g += PairedKernels.STREAMS) {
        for (int p = 0; p < pairs(); p += PAIRS) {
          int count = Math.min(PAIRS, pairs() - p);
          int from = at(firstGroup + g) + p * GROUP;
          PairedKernels.interleave(data, from, apart(1), count, some);
          to.put(some, 0, count * OUTPUTS);
        }
      }
      return room;
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
    return WeightType.BFLOAT16;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public INDArray unpack() {
    checkOpen();
    INDArray result = Nd4j.createUninitialized(DataType.FLOAT, outputs, inputs);
    Rows rows = Rows.of(result.reshape(1, outputs, inputs));
    float[] row = new float[inputs];
    for (int o = 0; o < outputs; o++) {
      int from = at(o / GROUP) + o % GROUP;
      for (int i = 0; i < inputs; i++) {
        int both = data[from + i / 2 * GROUP];
        row[i] = Float.intBitsToFloat(i % 2 == 0 ? both << 16 : both & 0xffff0000);
      }
      rows.write(0, o, 0, row);
    }
    return result;
  }

  @Override
  public void checkOpen() {
    if (data == null) {
      throw new IllegalStateException("these weights are closed");
    }
  }

  @Override
  public boolean closed() {
    return data == null;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public void close() {
    engine.lock();
    try {
      if (data != null) {
        HELD.addAndGet(-(long) Integer.BYTES * (data.length - START));
        data = null;
        arena.close();
      }
    } finally {
      engine.unlock();
    }
  }
}
