package org.retention4j.checkpoint.internal.files;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Float16;
import org.retention4j.engine.ops.Bfloat16;

/** Rows of numbers, rounded to a type of weights; refuses what is finite and too large for it. */
final class RoundedRows implements OutTensor.RowBytes {
  private final String name;
  private final DType dtype;
  private final OutTensor.RowNumbers numbers;
  private final double[] row;
  private final long lastRow;
  private long overflows;
  private double largest;

  RoundedRows(String name, DType dtype, List<Long> shape, OutTensor.RowNumbers numbers) {
    this.name = name;
    this.dtype = dtype;
    this.numbers = numbers;
    long n = shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
    row = new double[Math.toIntExact(n)];
    long elements = shape.stream().reduce(1L, Math::multiplyExact);
    lastRow = n == 0 ? 0 : elements / n - 1;
  }

  /** The last row is refused, not the first that is too large: the message counts them all. */
  @Override
  public void put(long index, ByteBuffer into) {
    numbers.read(index, row);
    for (double x : row) {
      double rounded = put(x, into);
      if (Double.isInfinite(rounded) && !Double.isInfinite(x)) {
        overflows++;
        largest = Math.abs(x) > Math.abs(largest) ? x : largest;
      }
    }
    if (index == lastRow && overflows > 0) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected numbers that stay finite in %s in tensor %s, got %d that do not, up to %s",
              dtype,
              Shown.name(name),
              overflows,
              largest));
    }
  }

  /** Puts a number and returns what was put. */
  private double put(double x, ByteBuffer into) {
    switch (dtype) {
      case F64 -> {
        into.putDouble(x);
        return x;
      }
      case F32 -> {
        into.putFloat((float) x);
        return (float) x;
      }
      case F16 -> {
        short half = Float16.fromFloat(toOdd(x));
        into.putShort(half);
        return Float16.toFloat(half);
      }
      case BF16 -> {
        short upper = Bfloat16.fromFloat(toOdd(x));
        into.putShort(upper);
        return Bfloat16.toFloat(upper);
      }
      default -> throw new IllegalArgumentException("expected a weight type, got " + dtype);
    }
  }

  /**
   * Returns an fp32 number that rounds to any type of at most 22 bits as x itself does: x, or of
   * its two neighbours the one whose last bit is set, so that nothing inexact looks like a tie
   * (Boldo and Melquiond, Emulation of FMA and correctly rounded sums, 2008).
   */
  static float toOdd(double x) {
    float nearest = (float) x;
    if (nearest == x || Double.isNaN(x)) {
      return nearest;
    }
    int bits = Float.floatToRawIntBits(nearest);
    int towardZero = Math.abs((double) nearest) > Math.abs(x) ? bits - 1 : bits;
    return Float.intBitsToFloat(towardZero | 1);
  }
}
