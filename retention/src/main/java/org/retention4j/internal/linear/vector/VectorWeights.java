package org.retention4j.internal.linear.vector;

import java.nio.IntBuffer;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockedWeights;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.onednn.WeightsBlock;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.vector.JitWarmUp;

/**
 * Narrow weights on the heap, where the Vector API can read them: it streams them faster than
 * oneDNN's products of few rows do. Groups of as many outputs as a vector has; in each, integers
 * that hold some inputs of an output, one after the other. oneDNN gets a copy of a block, as it
 * likes it, when many rows multiply.
 */
abstract sealed class VectorWeights implements BlockedWeights
    permits Bf16VectorWeights, Int8VectorWeights {
  static final int GROUP = VectorGeometry.GROUP;

  /** Outputs are filled up to a multiple of this. */
  private static final int OUTPUTS = VectorGeometry.STREAMS * GROUP;

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
  private static final int PART = VectorGeometry.SINGLE_STREAMS * GROUP;

  /** Integers of a group that are copied at once. */
  private static final int COPIED = 128;

  /** The part of the heap that weights may take; states and caches need some too. */
  private static final double SHARE = 0.6;

  /** From so many bytes on it is worth while to have the kernels compiled first. */
  private static final long LARGE = 16L << 20;

  private static final AtomicLong HELD = new AtomicLong();

  private final Lanes lanes;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final int steps;
  private final MatMulKernel kernels;
  private int[] data;

  /**
   * Makes room.
   *
   * @param steps integers that hold an output's inputs, and what fills them up
   * @param more bytes of an output beside its integers
   */
  VectorWeights(Lanes lanes, int outputs, int inputs, MatMulKernel kernels, int steps, int more) {
    this.lanes = lanes;
    this.inputs = inputs;
    this.outputs = outputs;
    this.kernels = kernels;
    this.steps = steps;
    long length = length(outputs, steps);
    reserve(outputs, steps);
    try {
      data = new int[Math.toIntExact(START + length)];
    } catch (OutOfMemoryError e) {
      giveBack(outputs, steps);
      throw e;
    }
    arena.account(bytes(outputs, steps, more));
  }

  /** Sets all weights, once. */
  abstract void fill(MatrixSource source);

  /** Returns these weights filled; they are closed where that fails. */
  final VectorWeights filled(MatrixSource source) {
    try {
      fill(source);
      return this;
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  static long bytes(long outputs, long steps, int more) {
    return Integer.BYTES * length(outputs, steps) + more * paddedOutputs(outputs);
  }

  private static long length(long outputs, long steps) {
    return paddedOutputs(outputs) * steps;
  }

  /**
   * Returns why there is no room for weights, or nothing. What the heap has room for depends on its
   * limit and on the weights that it holds already.
   */
  static Optional<String> lacksRoom(long outputs, long steps) {
    long length = length(outputs, steps);
    if (length > Integer.MAX_VALUE - START - 2 * GROUP) {
      return Optional.of("a matrix of so many elements exceeds an array of Java");
    }
    long limit = Runtime.getRuntime().maxMemory();
    if (HELD.get() + Integer.BYTES * length > SHARE * limit) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "weights would take more than %.0f %% of the heap of %d MB (-Xmx)",
              100 * SHARE,
              limit >> 20));
    }
    return Optional.empty();
  }

  /** Counts weights, and has the kernels compiled first where there are many. */
  private static void reserve(int outputs, int steps) {
    long bytes = Integer.BYTES * length(outputs, steps);
    VectorFormats.registerKernels();
    if (HELD.get() + bytes > LARGE) {
      JitWarmUp.await();
    }
    HELD.addAndGet(bytes);
  }

  private static void giveBack(int outputs, int steps) {
    HELD.addAndGet(-Integer.BYTES * length(outputs, steps));
  }

  /** Returns a number of outputs, filled up. */
  static int paddedOutputs(int outputs) {
    return (int) paddedOutputs((long) outputs);
  }

  private static long paddedOutputs(long outputs) {
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

  /** Returns how few rows are handed over, {@link RowPanels#FORM} or the one for integers. */
  abstract InputForm rowsForm();

  final MatMulKernel kernels() {
    return kernels;
  }

  /** Makes of {@code count} sums from {@code at} on the products with outputs from one on. */
  abstract void finish(float[] sums, int at, int count, int output);

  @Override
  public final int blockOutputs(InputForm form) {
    if (!form.equals(rowsForm())) {
      return BLOCK;
    }
    int share = outputs / (PARTS * lanes.threads());
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
      return VectorWeights.this.layout(columns);
    }

    @Override
    public BytePointer in(LaneScratch scratch) {
      int width = paddedOutputs(columns);
      BytePointer room = scratch.weightsBlock(Integer.BYTES * ((long) width * steps + width));
      IntBuffer to = room.asByteBuffer().asIntBuffer();
      int[] some = scratch.integers(COPIED * OUTPUTS);
      for (int g = 0; g < width / GROUP; g += VectorGeometry.STREAMS) {
        for (int p = 0; p < steps; p += COPIED) {
          int count = Math.min(COPIED, steps - p);
          int from = at(firstGroup + g) + p * GROUP;
          VectorGeometry.interleave(data, from, apart(1), count, signs(), some);
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

  /** Returns what makes of an integer what oneDNN reads, see {@link VectorGeometry#interleave}. */
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
  public final MatrixSource unpack() {
    checkOpen();
    return new MatrixSource() {
      @Override
      public int rows() {
        return outputs;
      }

      @Override
      public int columns() {
        return inputs;
      }

      @Override
      public void read(int row, float[] into) {
        checkOpen();
        VectorWeights.this.read(row, into);
      }

      @Override
      public void read(int row, double[] into) {
        float[] narrow = new float[inputs];
        read(row, narrow);
        for (int i = 0; i < inputs; i++) {
          into[i] = narrow[i];
        }
      }
    };
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
    lanes.exclusively(
        () -> {
          if (data != null) {
            giveBack(outputs, steps);
            data = null;
            arena.close();
          }
        });
  }
}
