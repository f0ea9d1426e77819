package org.retention4j.internal.nd4j;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ops.RowView;
import org.retention4j.internal.memory.Windows;

/** Arrays as rows, whatever their strides, and what two arrays have in common. */
public final class ArrayView {
  private ArrayView() {}

  /**
   * Views an array of shape (B,T,H,W), or (B,T,W) with one head.
   *
   * @param array fp32 or float64, any strides, views included
   * @throws IllegalArgumentException for another rank or type
   */
  public static RowView of(INDArray array) {
    int rank = array.rank();
    if (rank != 3 && rank != 4) {
      throw new IllegalArgumentException(
          "expected an array of rank 3 (B,T,W) or 4 (B,T,H,W), got rank " + rank);
    }
    requireOpen(array);
    long[] shape = array.shape();
    long[] given = array.stride();
    int width = Math.toIntExact(shape[rank - 1]);
    long[] strides = rank == 4 ? given.clone() : new long[] {given[0], given[1], 0, given[2]};
    Runnable check = () -> requireOpen(array);
    if (array.isEmpty() || array.length() == 0) {
      return RowView.of(check, new FloatBuffer[0], strides, width);
    }
    long extent = extent(array);
    Pointer base = array.data().addressPointer();
    if (array.dataType() == DataType.FLOAT) {
      return RowView.of(check, Windows.floats(base, extent), strides, width);
    }
    if (array.dataType() == DataType.DOUBLE) {
      return RowView.of(check, Windows.doubles(base, extent), strides, width);
    }
    throw new IllegalArgumentException(
        "expected an array of type FLOAT or DOUBLE, got " + array.dataType());
  }

  private static void requireOpen(INDArray array) {
    DataBuffer data = array.data();
    DataBuffer viewed = data == null ? null : data.underlyingDataBuffer();
    if (array.wasClosed() || (viewed != null && viewed.wasClosed())) {
      throw new IllegalArgumentException("expected an open array, got one that was closed");
    }
  }

  /** Returns whether the memory ranges of two arrays overlap. */
  public static boolean overlap(INDArray a, INDArray b) {
    requireOpen(a);
    requireOpen(b);
    if (a.length() == 0 || b.length() == 0) {
      return false;
    }
    long startA = a.data().addressPointer().address();
    long startB = b.data().addressPointer().address();
    return startA < startB + extent(b) * b.dataType().width()
        && startB < startA + extent(a) * a.dataType().width();
  }

  /** Returns whether two arrays are the same elements of the same memory. */
  public static boolean same(INDArray a, INDArray b) {
    return a.data().addressPointer().address() == b.data().addressPointer().address()
        && Arrays.equals(a.shape(), b.shape())
        && Arrays.equals(a.stride(), b.stride());
  }

  /** Returns the elements from an array's first to its last in memory. */
  private static long extent(INDArray array) {
    long extent = 1;
    for (int i = 0; i < array.rank(); i++) {
      extent += (array.size(i) - 1) * array.stride(i);
    }
    return extent;
  }
}
