package org.retention4j.engine;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.RowView;
import org.retention4j.internal.nd4j.ArraySource;
import org.retention4j.internal.nd4j.ArrayView;
import org.retention4j.internal.nd4j.Nd4jLibrary;

/**
 * ND4J's arrays at the engine's border: seen as rows, read as matrices, made of them.
 *
 * @since 0.1
 */
public final class NdArrays {
  private NdArrays() {}

  /**
   * Loads ND4J unless that has happened: for who makes arrays without an engine.
   *
   * @throws org.retention4j.engine.natives.NativeLibraryException if it cannot be loaded
   */
  public static void require() {
    Nd4jLibrary.get();
  }

  /** Returns ND4J's name of an element type. */
  public static DataType dataType(ElementType type) {
    return type == ElementType.FLOAT32 ? DataType.FLOAT : DataType.DOUBLE;
  }

  /**
   * Views an array of shape (B,T,H,W), or (B,T,W) with one head, as rows.
   *
   * @param array fp32 or float64, any strides, views included
   * @throws IllegalArgumentException for another rank or type
   */
  public static RowView view(INDArray array) {
    return ArrayView.of(array);
  }

  /** Returns whether the memory ranges of two arrays overlap. */
  public static boolean overlap(INDArray a, INDArray b) {
    return ArrayView.overlap(a, b);
  }

  /** Returns whether two arrays are the same elements of the same memory. */
  public static boolean same(INDArray a, INDArray b) {
    return ArrayView.same(a, b);
  }

  /** Returns an array (out,in), FLOAT or DOUBLE, any strides, as a source; it is kept alive. */
  public static MatrixSource source(INDArray array) {
    return new ArraySource(array);
  }

  /** Returns a source as a new array (out,in) of a type. */
  public static INDArray toArray(ElementType type, MatrixSource source) {
    require();
    INDArray array = Nd4j.createUninitialized(dataType(type), source.rows(), source.columns());
    RowView rows = view(array.reshape(1, source.rows(), source.columns()));
    float[] narrow = new float[source.columns()];
    double[] wide = new double[source.columns()];
    for (int i = 0; i < source.rows(); i++) {
      if (type == ElementType.FLOAT32) {
        source.read(i, narrow);
        rows.write(0, i, 0, narrow);
      } else {
        source.read(i, wide);
        rows.write(0, i, 0, wide);
      }
    }
    return array;
  }
}
