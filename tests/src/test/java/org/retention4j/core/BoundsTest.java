package org.retention4j.core;

import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** What "equal" means, at the lengths for which it is promised. */
class BoundsTest {
  private static final int HEADS = 4;
  private static final int KEYS = 8;
  private static final int VALUES = 8;

  /** Log decays by name: every schedule, γ near 1, γ far from it, and one per token. */
  record Decay(String name, LogDecay perHead) {
    LogDecay of(int tokens) {
      if (perHead != null) {
        return perHead;
      }
      Random random = new Random(5);
      double[] g = new double[tokens * HEADS];
      for (int i = 0; i < g.length; i++) {
        g[i] = i % 7 == 3 ? 0 : -Math.pow(10, -4 * random.nextDouble());
      }
      return LogDecay.perToken(Tensors.of(g, DataType.DOUBLE, 1, tokens, HEADS));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Decay> decays() {
    double slow = 1 - 1.0 / 3000;
    return List.of(
        new Decay("pow2", DecaySchedule.pow2(HEADS).logDecay()),
        new Decay("linspace", DecaySchedule.linspace(HEADS).logDecay()),
        new Decay("1-1/3000", DecaySchedule.custom(slow, slow, slow, slow).logDecay()),
        new Decay("custom", DecaySchedule.custom(0.05, 0.5, 0.99, 0.99999).logDecay()),
        new Decay("pow2, heads 8 to 11", lastOf(DecaySchedule.pow2(12))),
        new Decay("per token", null));
  }

  private static LogDecay lastOf(DecaySchedule schedule) {
    double[] all = schedule.logDecay().values();
    return LogDecay.perHead(java.util.Arrays.copyOfRange(all, all.length - HEADS, all.length));
  }

  private static FormCall call(DataType type, int tokens, LogDecay decay) {
    return FormCall.of(
        Tensors.gaussian(1, type, 1, tokens, HEADS, KEYS),
        Tensors.gaussian(2, type, 1, tokens, 2, KEYS),
        Tensors.gaussian(3, type, 1, tokens, 2, VALUES),
        decay,
        1 / Math.sqrt(KEYS),
        Tensors.gaussian(4, type, 1, HEADS, KEYS, VALUES));
  }

  /** The forms, and one after the other on a sequence split where no chunk ends. */
  private static List<FormResult> inEveryForm(Engine engine, FormCall call) {
    List<FormResult> results = new ArrayList<>();
    for (RetentionForm form :
        List.of(
            new RecurrentForm(),
            new ParallelForm(),
            new ChunkwiseForm(),
            new ChunkwiseForm(100),
            new ChunkwiseForm(1))) {
      results.add(new Variant(engine, form).advance(call));
    }
    RetentionState state =
        RetentionState.of(engine, call.state(), new long[1], StateConvention.PLAIN);
    INDArray output = null;
    RetentionForm[] forms = {new ChunkwiseForm(33), new RecurrentForm(), new ParallelForm(60)};
    int[] ends = {1001, 1501, call.tokens()};
    int from = 0;
    for (int i = 0; i < forms.length; i++) {
      FormCall part = call.tokens(from, ends[i]);
      INDArray o = new RetentionCore(engine, forms[i]).advance(part.call(), state);
      output = output == null ? o : Tensors.concatTokens(output, o);
      from = ends[i];
    }
    results.add(new FormResult(output, state.toArray()));
    return results;
  }

  /**
   * Float64, 8192 tokens: every form within the bound of every other, and of the reference, which
   * multiplies by γ as the paper writes it.
   */
  @ParameterizedTest
  @MethodSource("decays")
  void formsAgreeInFloat64(Decay decay) {
    FormCall call = call(DataType.DOUBLE, 8192, decay.of(8192));
    Tolerance tolerance = Tolerance.forms(DataType.DOUBLE, call.constantDecay(), 8192);
    List<FormResult> results = inEveryForm(Engines.float64(), call);
    results.add(call.reference());
    for (int i = 0; i < results.size(); i++) {
      for (int j = 0; j < i; j++) {
        assertThat(results.get(j).output()).isCloseTo(results.get(i).output(), tolerance);
        assertThat(results.get(j).state()).isStateCloseTo(results.get(i).state(), tolerance);
      }
    }
  }

  /** Any form in fp32 against float64 on the same inputs, every schedule, 4096 tokens. */
  @ParameterizedTest
  @MethodSource("decays")
  void fp32IsCloseToFloat64(Decay decay) {
    FormCall call = call(DataType.FLOAT, 4096, decay.of(4096));
    FormResult expected = call.reference();
    Tolerance tolerance = Tolerance.reference(DataType.FLOAT, call.constantDecay(), 4096);
    for (Engine engine : List.of(Engines.plain(), Engines.vector())) {
      for (FormResult result : inEveryForm(engine, call)) {
        assertThat(result.output()).isCloseTo(expected.output(), tolerance);
        assertThat(result.state()).isStateCloseTo(expected.state(), tolerance);
      }
    }
  }

  /** Inputs that are all positive let sums grow: nothing cancels, roundings add up. */
  @Test
  void fp32IsCloseToFloat64OnPositiveInputs() {
    FormCall call = call(DataType.FLOAT, 4096, DecaySchedule.pow2(HEADS).logDecay());
    FormCall positive =
        call.withQ(Nd4j.math().abs(call.q()))
            .withK(Nd4j.math().abs(call.k()))
            .withV(Nd4j.math().abs(call.v()))
            .withState(Nd4j.math().abs(call.state()));
    FormResult expected = positive.reference();
    Tolerance tolerance = Tolerance.reference(DataType.FLOAT, true, 4096);
    for (FormResult result : inEveryForm(Engines.plain(), positive)) {
      assertThat(result.output()).isCloseTo(expected.output(), tolerance);
      assertThat(result.state()).isStateCloseTo(expected.state(), tolerance);
    }
  }
}
