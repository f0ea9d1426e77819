package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.within;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.RetentionCore;

/** Gradients compared. */
final class GradientChecks {
  /** fp32 against float64 on the same inputs. */
  private static final double FLOAT32 = 2e-6;

  private GradientChecks() {}

  static void assertClose(
      RetentionCore.Gradient result, RetentionCore.Gradient expected, BackwardCall call) {
    boolean narrow = result.q().dataType() == DataType.FLOAT;
    boolean constant = call.forward().constantDecay();
    Tolerance tolerance =
        Tolerance.of("gradients of the core", narrow ? FLOAT32 : constant ? 1e-13 : 1e-12);
    assertThat(result.q()).as("dq").isCloseTo(expected.q(), tolerance);
    assertThat(result.k()).as("dk").isCloseTo(expected.k(), tolerance);
    assertThat(result.v()).as("dv").isCloseTo(expected.v(), tolerance);
    assertThat(result.initialState()).as("dS_0").isStateCloseTo(expected.initialState(), tolerance);
    if (constant) {
      assertSumsClose(result.logDecay(), expected, call, narrow ? FLOAT32 : 1e-13);
    } else if (call.tokens() > 0) {
      assertThat(together(result.logDecay()))
          .as("dg")
          .isStateCloseTo(together(expected.logDecay()), tolerance);
    }
  }

  /** The T numbers of a head together. */
  private static INDArray together(INDArray dg) {
    return dg.permute(0, 2, 1).dup('c').reshape(dg.size(0), dg.size(2), 1, dg.size(1));
  }

  /**
   * The one number of a constant decay is a sum of q·dq − k·dk over all tokens, of which most
   * cancels: it is judged beside the sum of what is summed.
   */
  private static void assertSumsClose(
      INDArray result, RetentionCore.Gradient expected, BackwardCall call, double bound) {
    int heads = (int) call.forward().q().size(2);
    int width = (int) call.forward().q().size(3);
    double[] q = Tensors.flat(call.forward().q());
    double[] dq = Tensors.flat(expected.q());
    double[] size = new double[heads];
    for (int row = 0; row < dq.length / width; row++) {
      double squares = 0;
      double gradients = 0;
      for (int i = row * width; i < (row + 1) * width; i++) {
        squares += Double.isNaN(q[i]) ? 0 : q[i] * q[i];
        gradients += dq[i] * dq[i];
      }
      size[row % heads] += Math.sqrt(squares * gradients);
    }
    assertThat(result).hasShape(heads);
    for (int h = 0; h < heads; h++) {
      double exact = expected.logDecay().getDouble(h);
      org.assertj.core.api.Assertions.assertThat(result.getDouble(h))
          .as("gradient of ln γ of head %d", h)
          .isCloseTo(exact, within(bound * (size[h] + Math.abs(exact))));
    }
  }

  static void assertSame(RetentionCore.Gradient result, RetentionCore.Gradient expected) {
    assertThat(result.q()).as("dq").isEqualTo(expected.q());
    assertThat(result.k()).as("dk").isEqualTo(expected.k());
    assertThat(result.v()).as("dv").isEqualTo(expected.v());
    assertThat(result.logDecay()).as("dg").isEqualTo(expected.logDecay());
    assertThat(result.initialState()).as("dS_0").isEqualTo(expected.initialState());
  }

  /**
   * Head 0 of two is as it was, to the bit, and so is head 1 but for rounding outside some tokens.
   *
   * @param queries the first and the end of the tokens whose dq may be anything
   * @param keys the same of dk and dv
   */
  static void assertTokensKept(
      RetentionCore.Gradient result, RetentionCore.Gradient clean, int[] queries, int[] keys) {
    assertKept("dq", result.q(), clean.q(), queries);
    assertKept("dk", result.k(), clean.k(), keys);
    assertKept("dv", result.v(), clean.v(), keys);
    long half = clean.initialState().length() / 2;
    assertThat(Tensors.of(head(result.initialState(), half), DataType.DOUBLE, half))
        .as("dS_0 of the other head")
        .isEqualTo(Tensors.of(head(clean.initialState(), half), DataType.DOUBLE, half));
  }

  private static double[] head(INDArray state, long half) {
    return Arrays.copyOf(Tensors.flat(state), (int) half);
  }

  private static void assertKept(String name, INDArray result, INDArray clean, int[] free) {
    int width = (int) result.size(3);
    double bound = result.dataType() == DataType.FLOAT ? 1e-4 : 1e-10;
    double[] actual = Tensors.flat(result);
    double[] expected = Tensors.flat(clean);
    for (int i = 0; i < actual.length; i++) {
      int head = i / width % 2;
      int token = i / width / 2;
      if (head == 0 || token < free[0] || token >= free[1]) {
        org.assertj.core.api.Assertions.assertThat(actual[i])
            .as("%s of head %d at token %d", name, head, token)
            .isCloseTo(expected[i], within(head == 0 ? 0 : bound * (1 + Math.abs(expected[i]))));
      }
    }
  }

  static void assertSameRow(RetentionCore.Gradient result, RetentionCore.Gradient expected, int b) {
    assertThat(Tensors.rows(result.q(), b, b + 1)).isEqualTo(Tensors.rows(expected.q(), b, b + 1));
    assertThat(Tensors.rows(result.k(), b, b + 1)).isEqualTo(Tensors.rows(expected.k(), b, b + 1));
    assertThat(Tensors.rows(result.v(), b, b + 1)).isEqualTo(Tensors.rows(expected.v(), b, b + 1));
    assertThat(Tensors.rows(result.initialState(), b, b + 1))
        .isEqualTo(Tensors.rows(expected.initialState(), b, b + 1));
  }
}
