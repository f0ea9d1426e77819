package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.reference.ReferenceGradient;
import org.retention4j.testkit.Tensors;

/**
 * The reference's gradients against derivatives by complex step: the recurrence in complex numbers,
 * moved by i·h along a random direction of all its inputs, has the derivative along it as the
 * imaginary part over h, with no difference taken and so to the last digit.
 */
class ReferenceGradientTest {
  private static final double STEP = 1e-200;
  private static final int BATCH = 2;
  private static final int TOKENS = 23;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int KEYS = 3;
  private static final int VALUES = 5;

  /** Real and imaginary parts; the imaginary ones are so small that their products vanish. */
  private record Complex(double[] re, double[] im) {
    static Complex of(double[] re, Random random) {
      double[] im = new double[re.length];
      for (int i = 0; i < im.length; i++) {
        im[i] = STEP * random.nextGaussian();
      }
      return new Complex(re, im);
    }

    /** Returns ⟨gradient, direction⟩. */
    double along(INDArray gradient) {
      double[] g = Tensors.flat(gradient);
      double sum = 0;
      for (int i = 0; i < g.length; i++) {
        sum += g[i] * im[i] / STEP;
      }
      return sum;
    }
  }

  static Stream<Boolean> perToken() {
    return Stream.of(false, true);
  }

  @ParameterizedTest
  @MethodSource("perToken")
  void equalsTheComplexStep(boolean perToken) {
    DataType type = DataType.DOUBLE;
    INDArray q = Tensors.gaussian(1, type, BATCH, TOKENS, HEADS, KEYS);
    INDArray k = Tensors.gaussian(2, type, BATCH, TOKENS, KV_HEADS, KEYS);
    INDArray v = Tensors.gaussian(3, type, BATCH, TOKENS, KV_HEADS, VALUES);
    INDArray state = Tensors.gaussian(4, type, BATCH, HEADS, KEYS, VALUES);
    INDArray dOutput = Tensors.gaussian(5, type, BATCH, TOKENS, HEADS, VALUES);
    INDArray dState = Tensors.gaussian(6, type, BATCH, HEADS, KEYS, VALUES);
    Random random = new Random(7);
    double[] g = new double[perToken ? BATCH * TOKENS * HEADS : HEADS];
    for (int i = 0; i < g.length; i++) {
      g[i] = -0.3 * Math.abs(random.nextGaussian());
    }
    LogDecay decay =
        perToken
            ? LogDecay.perToken(Tensors.of(g, type, BATCH, TOKENS, HEADS))
            : LogDecay.perHead(g);
    RetentionCall call =
        RetentionCall.of(q, k, v, decay)
            .withLengths(TOKENS, 17)
            .withResets(Resets.cumulative(new int[] {0, 9, TOKENS}, new int[] {0, TOKENS}));
    Complex[] inputs = {
      Complex.of(Tensors.flat(q), random),
      Complex.of(Tensors.flat(k), random),
      Complex.of(Tensors.flat(v), random),
      Complex.of(g, random),
      Complex.of(Tensors.flat(state), random)
    };
    double exact = derivative(call, inputs, perToken, Tensors.flat(dOutput), Tensors.flat(dState));
    RetentionCore.Gradient gradient = ReferenceGradient.backward(call, state, dOutput, dState);
    double sum =
        inputs[0].along(gradient.q())
            + inputs[1].along(gradient.k())
            + inputs[2].along(gradient.v())
            + inputs[3].along(gradient.logDecay())
            + inputs[4].along(gradient.initialState());
    assertThat(sum).isCloseTo(exact, within(1e-12 * Math.abs(exact)));
  }

  /** Returns the derivative of ⟨dOutput, o⟩ + ⟨dState, S_T⟩ along the inputs' imaginary parts. */
  private static double derivative(
      RetentionCall call, Complex[] in, boolean perToken, double[] dOutput, double[] dState) {
    double sum = 0;
    for (int b = 0; b < BATCH; b++) {
      for (int h = 0; h < HEADS; h++) {
        int from = (b * HEADS + h) * KEYS * VALUES;
        double[] re = Arrays.copyOfRange(in[4].re(), from, from + KEYS * VALUES);
        double[] im = Arrays.copyOfRange(in[4].im(), from, from + KEYS * VALUES);
        for (int t = 0; t < call.lengths()[b]; t++) {
          int d = perToken ? (b * TOKENS + t) * HEADS + h : h;
          int key = ((b * TOKENS + t) * KV_HEADS + h / 2) * KEYS;
          int value = ((b * TOKENS + t) * KV_HEADS + h / 2) * VALUES;
          int query = ((b * TOKENS + t) * HEADS + h) * KEYS;
          int out = ((b * TOKENS + t) * HEADS + h) * VALUES;
          double gamma = Math.exp(in[3].re()[d]);
          boolean reset = call.resets().at(b, t);
          for (int i = 0; i < KEYS; i++) {
            for (int j = 0; j < VALUES; j++) {
              int at = i * VALUES + j;
              double old = reset ? 0 : re[at];
              double oldIm = reset ? 0 : im[at];
              im[at] =
                  gamma * oldIm
                      + gamma * in[3].im()[d] * old
                      + in[1].re()[key + i] * in[2].im()[value + j]
                      + in[1].im()[key + i] * in[2].re()[value + j];
              re[at] = gamma * old + in[1].re()[key + i] * in[2].re()[value + j];
              double output = in[0].re()[query + i] * im[at] + in[0].im()[query + i] * re[at];
              sum += call.scale() * dOutput[out + j] * output / STEP;
            }
          }
        }
        for (int i = 0; i < KEYS * VALUES; i++) {
          sum += dState[from + i] * im[i] / STEP;
        }
      }
    }
    return sum;
  }
}
