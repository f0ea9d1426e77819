package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ops.RowView;

class RowsTest {
  private static final int WIDTH = 8;

  /** Rows are read through windows of so many elements. */
  private static final long WINDOW = 1L << 27;

  /** A row that begins in one window and ends in the next; of the memory only its page is used. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void aRowMayLieAcrossWindows(DataType type) {
    long start = WINDOW - WIDTH / 2;
    INDArray memory = Nd4j.createUninitialized(type, start + WIDTH);
    try {
      INDArray view =
          Nd4j.create(
              memory.data(), new long[] {2, 1, WIDTH}, new long[] {start, WIDTH, 1}, 0, 'c');
      RowView rows = NdArrays.view(view);
      if (type == DataType.FLOAT) {
        rows.write(1, 0, 0, new float[] {1, 2, 3, 4, 5, 6, 7, 8});
        float[] row = new float[WIDTH];
        rows.read(1, 0, 0, row);
        assertThat(row).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
      } else {
        rows.write(1, 0, 0, new double[] {1, 2, 3, 4, 5, 6, 7, 8});
        double[] row = new double[WIDTH];
        rows.read(1, 0, 0, row);
        assertThat(row).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
      }
      for (int i = 0; i < WIDTH; i++) {
        assertThat(rows.get(1, 0, 0, i)).isEqualTo(i + 1);
        assertThat(memory.getDouble(start + i)).isEqualTo(i + 1);
      }
    } finally {
      memory.close();
    }
  }
}
