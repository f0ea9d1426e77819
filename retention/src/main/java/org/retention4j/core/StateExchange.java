package org.retention4j.core;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;

/** States as arrays (B,H,K,V), whatever their layout. */
final class StateArrays {
  private StateArrays() {}

  /** Sets a zero state. */
  static void read(INDArray array, RetentionState state) {
    RowView rows = NdArrays.view(array);
    double[] row = new double[state.valueWidth()];
    for (int b = 0; b < state.batch(); b++) {
      for (int h = 0; h < state.heads(); h++) {
        for (int k = 0; k < state.keyWidth(); k++) {
          for (int v = 0; v < row.length; v++) {
            row[v] = rows.get(b, h, k, v);
          }
          state.head(b, h).writeRow(k, row);
        }
      }
    }
  }

  /** Returns a new array; the state is not changed, to the bit. */
  static INDArray write(RetentionState state) {
    INDArray array =
        Nd4j.createUninitialized(
            NdArrays.dataType(state.type()),
            state.batch(),
            state.heads(),
            state.keyWidth(),
            state.valueWidth());
    RowView rows = NdArrays.view(array);
    double[] row = new double[state.valueWidth()];
    float[] narrow = new float[state.valueWidth()];
    for (int b = 0; b < state.batch(); b++) {
      for (int h = 0; h < state.heads(); h++) {
        HeadState folded = state.head(b, h).copy();
        folded.fold();
        for (int k = 0; k < state.keyWidth(); k++) {
          folded.readRow(k, row);
          if (state.type() == ElementType.FLOAT64) {
            rows.write(b, h, k, row);
            continue;
          }
          for (int v = 0; v < row.length; v++) {
            narrow[v] = (float) row[v];
          }
          rows.write(b, h, k, narrow);
        }
      }
    }
    return array;
  }

  /** Returns the heads of a state, folded, as an engine of another layout or type keeps them. */
  static HeadState[] laidFor(Engine engine, RetentionState state) {
    HeadState[] heads = new HeadState[state.batch() * state.heads()];
    double[] row = new double[state.valueWidth()];
    for (int i = 0; i < heads.length; i++) {
      HeadState from = state.head(i / state.heads(), i % state.heads());
      from.fold();
      heads[i] = engine.newState(state.keyWidth(), state.valueWidth());
      for (int k = 0; k < state.keyWidth(); k++) {
        from.readRow(k, row);
        heads[i].writeRow(k, row);
      }
    }
    return heads;
  }
}
