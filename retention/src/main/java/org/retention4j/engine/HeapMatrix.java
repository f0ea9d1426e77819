package org.retention4j.engine;

import java.nio.IntBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Narrow weights on the heap, where the Vector API can read them: it streams them faster than
 * oneDNN's products of few rows do. Groups of as many outputs as a vector has; in each, integers
 * that hold some inputs of an output, one after the other. oneDNN gets a copy of a block, as it
 * likes it, when many rows multiply.
 */
abstract sealed class HeapMatrix implements Float32Matrix permits HeapBfloat16, HeapInt8 {
  static final int GROUP = PairedKernels.GROUP;

  /** Outputs are filled up to a multiple of this. */
  private static final int OUTPUTS = PairedKernels.STREAMS * GROUP;

  /** Integers in a page of memory. */
  static final int PAGE = 4096 / Integer.BYTES;

  /**
   * Where the first group begins: behind an array's header of 16 bytes, at a page where the
   * collector gives large arrays regions of their own, as G1 does. Elsewhere it costs a little
   * speed.
   */
  private static final int START = PAGE - 16 / Integer.BYTES;

  /** Parts of few rows for each lane, so that none waits long for another. */
  private static final int PARTS = 4;

  /** Outputs of such a part, or a multiple of it: every stream reads a group or more. */
  private static final int PART = PairedKernels.SINGLE_STREAMS * GROUP;

  /** Integers of a group that are copied at once. */
  private static final int COPIED = 128;

  /** The part of the heap that weights may take; states and caches need some too. */
  private static final double SHARE = 0.6;

  /** From so many bytes on it is worth while to have the kernels compiled first. */
  private static final long LARGE = 16L << 20;

  private static final AtomicLong HELD = new AtomicLong();

  private final Engine engine;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final int steps;
  private final HeapKernels kernels;
  private int[] data;

  /**
   * Makes room, which {@link #reserve} has found.
   *
   * @param steps integers that hold an output's inputs, and what fills them up
   * @param more bytes of an output beside its integers
   */
  HeapMatrix(Engine engine, MatrixSource source, HeapKernels kernels, int steps, int more) {
    this.engine = engine;
    inputs = source.columns();
    outputs = source.rows();
    this.kernels = kernels;
    this.steps = steps;
    long length = length(outputs, steps);
    data = new int[Math.toIntExact(START + length)];
    arena.account(Integer.BYTES * length + (long) more * paddedOutputs(outputs));
  }

  /**
   * Packs weights, or returns null when this processor or this JVM's heap is not made for those of
   * a type. Needs the Vector API.
   */
  static HeapMatrix tryPack(Engine engine, MatrixSource source, WeightType type) {
    boolean integers = type == WeightType.INT8;
    int steps = integers ? HeapInt8.steps(source.columns()) : HeapBfloat16.steps(source.columns());
    if (!integers && type != WeightType.BFLOAT16
        || !PairedKernels.wideEnough()
        || integers && !HeapInt8.suits()
        || !reserve(source.rows(), steps)) {
      return null;
    }
    try {
      return integers ? new HeapInt8(engine, source) : new HeapBfloat16(engine, source);
    } catch (Throwable e) {
      giveBack(source.rows(), steps);
      throw e;
    }
  }

  private static long length(int outputs, int steps) {
    return (long) paddedOutputs(outputs) * steps;
  }

  /**
   * Finds room for weights, or returns false when there is none. What the heap has room for depends
   * on its limit and on the weights that it holds already.
   */
  private static boolean reserve(int outputs, int steps) {
    long length = length(outputs, steps);
    if (length > Integer.MAX_VALUE - START - 2 * GROUP) {
      return false;
    }
    if (HELD.get() + Integer.BYTES * length > LARGE) {
      WarmUp.await();
    }
    long held = HELD.addAndGet(Integer.BYTES * length);
    if (held > SHARE * Runtime.getRuntime().maxMemory()) {
      HELD.addAndGet(-Integer.BYTES * length);
      return false;
    }
    return true;
  }

  private static void giveBack(int outputs, int steps) {
    HELD.addAndGet(-Integer.BYTES * length(outputs, steps));
  }

  /** Returns a number of outputs, filled up. */
  static int paddedOutputs(int outputs) {
    return (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
  }

  /** Returns the integers of an output. */
  final int steps() {
    return steps;
  }

  /** Returns where a group begins. */
  final int at(int group) {
    return START + apart(group);
  }

  /** Returns how far so many groups reach. */
  final int apart(int groups) {
    return groups * steps * GROUP;
  }

  final int[] data() {
    return data;
  }

  /** Returns whether the kernels sum up an output's products in the order of the inputs. */
  abstract boolean sumsInOrder();

  /** Returns how few rows are handed over, {@link Operand.Kind#ROWS} or a kind like it. */
  abstract Operand.Kind rowsKind();

  final HeapKernels kernels() {
    return kernels;
  }

  /** Makes of {@code count} sums from {@code at} on the products with outputs from one on. */
  abstract void finish(float[] sums, int at, int count, int output);

  @Override
  public final int block(Operand.Kind kind) {
    if (kind != rowsKind()) {
      return BLOCK;
    }
    int share = outputs / (PARTS * engine.threads());
    return Math.min(BLOCK, Math.max(1, share / PART) * PART);
  }

  /** Some groups, copied into a lane's scratch when they are asked for. */
  private final class Block implements WeightsBlock {
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
      return HeapMatrix.this.layout(columns);
    }

    @Override
    public BytePointer in(Float32Lane lane) {
      int width = paddedOutputs(columns);
      BytePointer room = lane.parts().weightsBlock(Integer.BYTES * ((long) width * steps + width));
      IntBuffer to = room.asByteBuffer().asIntBuffer();
      int[] some = lane.parts().integers(COPIED * OUTPUTS);
      for (int g = 0; g < width / GROUP; g += PairedKernels.STREAMS) {
        for (int p = 0; p < steps; p += COPIED) {
          int count = Math.min(COPIED, steps - p);
          int from = at(firstGroup + g) + p * GROUP;
          PairedKernels.interleave(data, from, apart(1), count, signs(), some);
          to.put(some, 0, count * OUTPUTS);
        }
      }
      append(firstGroup, width, to);
      return room;
    }
  }

  /** Returns some groups as oneDNN reads them, from an output on. */
  final WeightsBlock copied(int from, int columns) {
    return new Block(from / GROUP, columns);
  }

  /** Returns how oneDNN reads them, see {@link WeightsBlock#layout}. */
  abstract memory.desc layout(int columns);

  /** Puts behind the copied integers of groups what oneDNN reads there, an integer per output. */
  abstract void append(int firstGroup, int width, IntBuffer to);

  /** Returns what makes of an integer what oneDNN reads, see {@link PairedKernels#interleave}. */
  abstract int signs();

  /** Returns the inputs, and what fills them up. */
  final int paddedInputs() {
    return steps * kernels.inputs();
  }

  /**
   * Widens weights of a group to fp32: to[place + i·width + o] ← the weight of its output o and of
   * input {@code from} + i.
   *
   * @param from a multiple of 4
   * @param count of inputs, a multiple of 4
   */
  abstract void widen(int group, int from, int count, float[] to, int place, int width);

  /** Reads an output's weights, {@code from} being where its integers begin. */
  abstract void read(int output, int from, float[] row);

  /** Reads an output's weights. */
  final void read(int output, float[] row) {
    read(output, at(output / GROUP) + output % GROUP, row);
  }

  @Override
  public final INDArray unpack() {
    checkOpen();
    INDArray result = Nd4j.createUninitialized(DataType.FLOAT, outputs, inputs);
    Rows rows = Rows.of(result.reshape(1, outputs, inputs));
    float[] row = new float[inputs];
    for (int o = 0; o < outputs; o++) {
      read(o, row);
      rows.write(0, o, 0, row);
    }
    return result;
  }

  @Override
  public final int inputs() {
    return inputs;
  }

  @Override
  public final int outputs() {
    return outputs;
  }

  @Override
  public final long bytes() {
    return arena.bytes();
  }

  @Override
  public final void checkOpen() {
    if (data == null) {
      throw new IllegalStateException("these weights are closed");
    }
  }

  @Override
  public final boolean closed() {
    return data == null;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public final void close() {
    engine.exclusively(
        () -> {
          if (data != null) {
            giveBack(outputs, steps);
            data = null;
            arena.close();
          }
        });
  }
}
