package org.retention4j.internal.linear.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.WeightFormat;
import org.retention4j.internal.vector.JitWarmUp;

/** Narrow weights on the heap, multiplied by the Vector API; needs its module. */
public final class VectorFormats {
  private static final String DESCRIPTION =
      "Vector API of " + VectorGeometry.GROUP * Float.SIZE + " bits, on the heap";

  private VectorFormats() {}

  /** Returns that of bf16 weights. */
  public static WeightFormat bf16() {
    return new Bf16();
  }

  /** Returns that of 8-bit weights. */
  public static WeightFormat int8() {
    return new Int8();
  }

  /**
   * Returns whether oneDNN multiplies copies of bf16 weights with bf16 rows, where a product may
   * round its rows.
   */
  public static boolean multipliesBfloat16() {
    return Bf16VectorWeights.copies();
  }

  /** Returns whether this processor's vectors are made for them at all. */
  public static boolean wideEnough() {
    return VectorGeometry.wideEnough();
  }

  private static Optional<String> narrowVectors() {
    return VectorGeometry.wideEnough()
        ? Optional.empty()
        : Optional.of("this processor's vectors have fewer than 256 bits");
  }

  private record Bf16() implements WeightFormat {
    @Override
    public WeightType type() {
      return WeightType.BFLOAT16;
    }

    @Override
    public String description() {
      return DESCRIPTION;
    }

    @Override
    public Optional<String> refuses(long outputs, long inputs) {
      return narrowVectors()
          .or(() -> VectorWeights.lacksRoom(outputs, Bf16VectorWeights.steps(inputs)));
    }

    @Override
    public PackedWeights pack(Lanes lanes, MatrixSource source) {
      return new Bf16VectorWeights(lanes, source.rows(), source.columns()).filled(source);
    }

    @Override
    public long bytes(long outputs, long inputs) {
      return VectorWeights.bytes(outputs, Bf16VectorWeights.steps(inputs), 0);
    }
  }

  private record Int8() implements WeightFormat {
    @Override
    public WeightType type() {
      return WeightType.INT8;
    }

    @Override
    public String description() {
      return DESCRIPTION;
    }

    @Override
    public Optional<String> refuses(long outputs, long inputs) {
      return narrowVectors()
          .or(() -> VectorWeights.lacksRoom(outputs, Int8VectorWeights.steps(inputs)));
    }

    @Override
    public Optional<String> unsuited() {
      return Int8VectorWeights.suits()
          ? Optional.empty()
          : Optional.of("oneDNN lays 8-bit weights out in another way here");
    }

    @Override
    public PackedWeights pack(Lanes lanes, MatrixSource source) {
      return new Int8VectorWeights(lanes, source.rows(), source.columns()).filled(source);
    }

    @Override
    public long bytes(long outputs, long inputs) {
      return VectorWeights.bytes(
          outputs, Int8VectorWeights.steps(inputs), Int8VectorWeights.MORE_BYTES);
    }
  }

  /** Names the kernels of products to {@link JitWarmUp}, once. */
  static void registerKernels() {
    JitWarmUp.register("products", VectorFormats::kernels);
  }

  private static List<Runnable> kernels() {
    int steps = 16;
    int group = VectorGeometry.GROUP;
    int apart = steps * group;
    int[] w = new int[VectorGeometry.SINGLE_STREAMS * apart];
    float[] x = new float[4 * VectorGeometry.FOUR * steps];
    int width = VectorGeometry.STREAMS * group;
    float[][] four = {x};
    float[] sum = new float[VectorGeometry.SUMS];
    int[] copied = new int[steps * width];
    float[] widened = new float[4 * steps * group];
    List<Runnable> kernels = new ArrayList<>();
    for (MatMulKernel each : List.of(Bf16Kernel.create(), Int8Kernel.create())) {
      kernels.add(() -> each.multiplyEight(w, 0, apart, steps, x, sum, 0, group));
      kernels.add(() -> each.addFours(w, 0, apart, steps, four, 0, sum, 0));
    }
    kernels.add(() -> VectorGeometry.copySums(sum, 0, width, VectorGeometry.STREAMS, x));
    kernels.add(() -> VectorGeometry.interleave(w, 0, apart, steps, 0, copied));
    kernels.add(() -> Bf16Kernel.widen(w, 0, steps, widened, 0, group));
    kernels.add(() -> Int8Kernel.widen(w, 0, steps, sum, 0, widened, 0, group));
    return kernels;
  }
}
