package org.retention4j.internal.float32;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.retention4j.internal.vector.VectorKernels;

/** What was wiped is in no array any more, though others shared it. */
class WipedStatesTest {
  private static final int KEYS = 3;
  private static final int VALUES = 5;

  /** Some tokens folded, and one pending. */
  private static Fp32HeadState state(Kernels kernels) {
    Fp32HeadState state = new Fp32HeadState(KEYS, VALUES, new Fp32Layout(() -> kernels));
    for (int t = 0; t < 3; t++) {
      int at = state.append(-0.1, kernels);
      Arrays.fill(state.pendingKeys[at], 1 + t);
      Arrays.fill(state.pendingValues[at], 2 + t);
      if (t == 1) {
        state.fold();
      }
    }
    return state;
  }

  private static float[][] arrays(Fp32HeadState state) {
    return state.rows().arrays();
  }

  private static boolean holdsNothing(float[][] arrays) {
    for (float[] array : arrays) {
      for (float number : array) {
        if (number != 0) {
          return false;
        }
      }
    }
    return true;
  }

  @Test
  void oneAloneIsOverwritten() {
    for (Kernels kernels : new Kernels[] {new PlainKernels(), new VectorKernels()}) {
      Fp32HeadState state = state(kernels);
      float[][] rows = arrays(state);
      assertThat(holdsNothing(rows)).isFalse();
      state.wipe();
      assertThat(holdsNothing(rows)).isTrue();
      assertThat(holdsNothing(new float[][] {state.pendingKeys[0], state.pendingValues[0]}))
          .isTrue();
    }
  }

  @Test
  void whatIsSharedIsOverwrittenByTheLastWhoLeaves() {
    for (Kernels kernels : new Kernels[] {new PlainKernels(), new VectorKernels()}) {
      Fp32HeadState state = state(kernels);
      Fp32HeadState copy = state.copy();
      Fp32HeadState other = state.copy();
      float[][] rows = arrays(state);
      float[] before = rows[0].clone();
      state.wipe();
      assertThat(holdsNothing(arrays(state))).isTrue();
      assertThat(arrays(copy)[0]).isEqualTo(before); // it goes on
      other.fold(); // into rows of its own
      assertThat(rows[0]).isEqualTo(before);
      copy.release();
      assertThat(holdsNothing(rows)).isTrue();
      assertThat(holdsNothing(arrays(other))).isFalse();
    }
  }

  @Test
  void whatNobodyWipedStays() {
    Fp32HeadState state = state(new PlainKernels());
    Fp32HeadState copy = state.copy();
    state.release();
    assertThat(holdsNothing(arrays(copy))).isFalse();
  }
}
