package org.retention4j.core;

import java.lang.reflect.Array;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.StateDecay;

/** States as a whole: as arrays (B,H,K,V), whatever their layout, laid anew, and joined. */
final class StateArrays {
  private StateArrays() {}

  /** Lets the elements of two rows of such arrays change places. */
  static void exchange(Object a, int row, Object b, int otherRow, int width) {
    Object kept = Array.newInstance(a.getClass().getComponentType(), width);
    System.arraycopy(a, row * width, kept, 0, width);
    System.arraycopy(b, otherRow * width, a, row * width, width);
    System.arraycopy(kept, 0, b, otherRow * width, width);
  }

  /** Sets a zero state, and returns it. */
  static RetentionState read(INDArray array, RetentionState state) {
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
    return state;
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
        folded.release();
      }
    }
    return array;
  }

  /** Returns the heads of a state, folded, as an engine of another layout or type keeps them. */
  static HeadState[] laidFor(Engine engine, RetentionState state) {
    HeadState[] heads = new HeadState[state.batch() * state.heads()];
    double[] row = new double[state.valueWidth()];
    for (int i = 0; i < heads.length; i++) {
      HeadState from = state.head(i / state.heads(), i % state.heads()).copy();
      from.fold();
      heads[i] = engine.newState(state.keyWidth(), state.valueWidth());
      for (int k = 0; k < state.keyWidth(); k++) {
        from.readRow(k, row);
        heads[i].writeRow(k, row);
      }
      from.release();
    }
    return heads;
  }

  /** Returns a new state, as if the first had seen next's tokens; both were checked to be whole. */
  static RetentionState join(RetentionState first, RetentionState next) {
    requireJoinable(first, next);
    RetentionState joined = first.copy();
    double[] s1 = new double[first.valueWidth()];
    double[] s2 = new double[first.valueWidth()];
    for (int b = 0; b < first.batch(); b++) {
      for (int h = 0; h < first.heads(); h++) {
        HeadState into = joined.head(b, h);
        into.fold();
        HeadState add = next.head(b, h).copy();
        add.fold();
        double decayOfNext = next.totalDecay(b, h);
        for (int k = 0; k < first.keyWidth(); k++) {
          into.readRow(k, s1);
          add.readRow(k, s2);
          if (decayOfNext == Double.NEGATIVE_INFINITY) {
            into.writeRow(k, s2); // 0·NaN of what a reset dropped is none.
          } else {
            StateDecay.decayAndAdd(s1, decayOfNext, s2);
            into.writeRow(k, s1);
          }
        }
        add.release();
        joined.accumulateDecay(b, h, decayOfNext);
      }
      joined.moveTo(b, next.position(b));
    }
    return joined;
  }

  private static void requireJoinable(RetentionState first, RetentionState next) {
    if (!next.fromZero()) {
      throw new IllegalArgumentException(
          "expected a segment that began from a zero state, got one with an imported history");
    }
    String mine = first.describe();
    String other = next.describe();
    if (!mine.equals(other) || !first.convention().equals(next.convention())) {
      throw new IllegalArgumentException(
          "expected a segment like "
              + mine
              + " "
              + first.convention()
              + ", got "
              + other
              + " "
              + next.convention());
    }
    for (int b = 0; b < first.batch(); b++) {
      if (next.start(b) != first.position(b)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected row %d of the next segment to start at position %d, got %d",
                b,
                first.position(b),
                next.start(b)));
      }
    }
  }
}
