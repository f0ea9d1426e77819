package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Numbers from independent float64 code: the reference and every form give them. */
class GoldenCoreTest {
  private static final List<String> CASES =
      List.of(
          "gated-with-state",
          "linspace-with-state",
          "pow2-from-zero",
          "pow2-with-state",
          "silence-after-strong-decay",
          "gradient/gated",
          "gradient/grouped-linspace",
          "gradient/one",
          "gradient/pow2",
          "gradient/resets");

  private record Golden(FormCall call, FormResult result) {}

  private static Golden golden(String name) {
    INDArray q = read(name, "q");
    INDArray k = read(name, "k");
    INDArray v = read(name, "v");
    INDArray g = read(name, "log_decay");
    INDArray state =
        Npy.exists(path(name, "initial_state"))
            ? read(name, "initial_state")
            : Nd4j.zeros(DataType.DOUBLE, q.size(0), q.size(2), q.size(3), v.size(3));
    LogDecay decay = g.rank() == 1 ? LogDecay.perHead(g.toDoubleVector()) : LogDecay.perToken(g);
    FormCall call = FormCall.of(q, k, v, decay, 1 / Math.sqrt((double) q.size(3)), state);
    return new Golden(call, new FormResult(read(name, "output"), read(name, "final_state")));
  }

  private static String path(String name, String array) {
    String folder = name.startsWith("gradient/") ? name : "core/" + name;
    return "/golden/" + folder + "/" + array + ".npy";
  }

  private static INDArray read(String name, String array) {
    return Npy.read(path(name, array));
  }

  static Stream<String> cases() {
    return CASES.stream();
  }

  static Stream<Arguments> casesAndVariants() {
    return CASES.stream()
        .flatMap(name -> Variant.all().stream().map(variant -> Arguments.of(name, variant)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void referenceGivesTheGoldenNumbers(String name) {
    Golden golden = golden(name);
    check(golden.call.reference(), golden.result, golden.call, DataType.DOUBLE);
  }

  @ParameterizedTest
  @MethodSource("casesAndVariants")
  void formGivesTheGoldenNumbers(String name, Variant variant) {
    Golden golden = golden(name);
    if (variant.dataType() == DataType.DOUBLE) {
      check(variant.advance(golden.call), golden.result, golden.call, DataType.DOUBLE);
      return;
    }
    // In fp32 the inputs are rounded first; what is right is what float64 makes of those.
    FormCall rounded = rounded(golden.call);
    check(variant.advance(rounded), rounded.reference(), rounded, DataType.FLOAT);
  }

  private static FormCall rounded(FormCall call) {
    return call.withQ(call.q().castTo(DataType.FLOAT))
        .withK(call.k().castTo(DataType.FLOAT))
        .withV(call.v().castTo(DataType.FLOAT))
        .withState(call.state().castTo(DataType.FLOAT));
  }

  private static void check(FormResult result, FormResult expected, FormCall call, DataType type) {
    Tolerance tolerance = Tolerance.reference(type, call.constantDecay(), call.tokens());
    assertThat(result.output()).isCloseTo(expected.output(), tolerance);
    assertThat(result.state()).isStateCloseTo(expected.state(), tolerance);
  }

  /** The reader itself: a value that the independent program printed. */
  @ParameterizedTest
  @MethodSource("cases")
  void readerAgreesWithShapes(String name) {
    Golden golden = golden(name);
    long[] o = golden.result.output().shape();
    assertThat(golden.call.q().shape()).hasSize(4).startsWith(o[0], o[1], o[2]);
    assertThat(golden.result.state().shape())
        .containsExactly(o[0], o[2], golden.call.q().size(3), o[3]);
    assertThat(Tensors.flat(golden.call.q())).doesNotContain(Double.NaN);
  }
}
