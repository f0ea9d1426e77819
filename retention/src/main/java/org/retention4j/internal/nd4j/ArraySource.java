package org.retention4j.internal.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.RowView;

/** A weight matrix in an array (out,in), FLOAT or DOUBLE, any strides. */
public final class ArraySource implements MatrixSource {
  private final RowView rows;
  private final int outputs;
  private final int inputs;
  private final boolean wide;
  private final double[] wideRow;

  /** Views it; the array is kept alive. */
  public ArraySource(INDArray array) {
    outputs = Math.toIntExact(array.size(0));
    inputs = Math.toIntExact(array.size(1));
    wide = array.dataType() == DataType.DOUBLE;
    wideRow = new double[wide ? inputs : 0];
    rows = ArrayView.of(array.reshape(1, outputs, inputs));
  }

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
    if (!wide) {
      rows.read(0, row, 0, into);
      return;
    }
    rows.read(0, row, 0, wideRow);
    for (int i = 0; i < inputs; i++) {
      into[i] = (float) wideRow[i];
    }
  }

  @Override
  public void read(int row, double[] into) {
    for (int i = 0; i < inputs; i++) {
      into[i] = rows.get(0, row, 0, i);
    }
  }
}
