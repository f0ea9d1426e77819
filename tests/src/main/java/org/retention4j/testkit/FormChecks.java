package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;

/** What the tests of {@link RetentionFormContract} share. */
final class FormChecks {
  /** Any form. */
  interface Form {
    FormResult advance(FormCall call);
  }

  private FormChecks() {}

  static Tolerance tolerance(FormCall call) {
    return Tolerance.reference(call.q().dataType(), call.constantDecay(), call.tokens());
  }

  static void assertClose(FormResult result, FormResult expected, FormCall call) {
    assertClose(result, expected, call, "whole");
  }

  static void assertClose(FormResult result, FormResult expected, FormCall call, String how) {
    Tolerance tolerance = tolerance(call);
    assertThat(result.output()).as("outputs, %s", how).isCloseTo(expected.output(), tolerance);
    assertThat(result.state()).as("state, %s", how).isStateCloseTo(expected.state(), tolerance);
  }

  /** Holds a packed row to its sequences one by one, by the form itself. */
  static void assertPacked(DataType type, FormCase.Decay decay, Form form) {
    int[] ends = {0, 1, 2, 30, 64, 65, 100};
    FormCall packed = FormCase.of(1, 100, 2, 1, 5, 3, decay).packed(ends).call(type);
    FormResult result = form.advance(packed);
    for (int i = 0; i + 1 < ends.length; i++) {
      FormCall alone =
          packed
              .tokens(ends[i], ends[i + 1])
              .withResets(Resets.none())
              .withState(packed.state().mul(0));
      FormResult expected = form.advance(alone);
      INDArray output = Tensors.tokens(result.output(), ends[i], ends[i + 1]);
      boolean last = i + 2 == ends.length;
      FormResult part = new FormResult(output, last ? result.state() : expected.state());
      assertClose(part, expected, alone, "sequence " + i + " of the packed row");
    }
  }

  /** Returns what comes out from a token on. */
  static FormResult after(FormResult result, int from) {
    INDArray output = result.output();
    return new FormResult(Tensors.tokens(output, from, (int) output.size(1)), result.state());
  }

  /** Returns a call with a value everywhere before a token, in the state too. */
  static FormCall spoilBefore(FormCall call, int token, double value) {
    FormCall spoilt =
        call.withQ(spoilTokens(call.q(), token, value))
            .withK(spoilTokens(call.k(), token, value))
            .withV(spoilTokens(call.v(), token, value));
    return spoilt.withState(call.state().like().assign(value));
  }

  private static INDArray spoilTokens(INDArray array, int to, double value) {
    INDArray spoilt = Tensors.tokens(array, 0, to).assign(value);
    return Tensors.concatTokens(spoilt, Tensors.tokens(array, to, (int) array.size(1)));
  }

  /** Returns every split of a short sequence and, of a long one, those around usual chunks. */
  static int[] splits(int tokens) {
    if (tokens <= 20) {
      return IntStream.rangeClosed(0, tokens).toArray();
    }
    return IntStream.of(0, 1, 7, 16, 63, 64, 65, 127, 128, 129, tokens - 1, tokens)
        .filter(t -> t <= tokens)
        .distinct()
        .toArray();
  }

  /** Runs one form up to a token and another from there on. */
  static FormResult inPieces(FormCall call, Form first, Form second, int split) {
    FormResult before = first.advance(call.tokens(0, split));
    FormCall rest = call.tokens(split, call.tokens()).withState(before.state());
    FormResult after = second.advance(rest);
    return new FormResult(Tensors.concatTokens(before.output(), after.output()), after.state());
  }

  /** Runs a form on every token by itself. */
  static FormResult tokenByToken(FormCall call, Form form) {
    INDArray state = call.state();
    INDArray output = null;
    for (int t = 0; t < call.tokens(); t++) {
      FormResult one = form.advance(call.tokens(t, t + 1).withState(state));
      state = one.state();
      output = output == null ? one.output() : Tensors.concatTokens(output, one.output());
    }
    return new FormResult(output, state);
  }

  /** Sets q, k and v from a token on, and a finite decay there to another. */
  static FormCall spoilFrom(FormCall call, int from, double value) {
    FormCall spoilt =
        call.withQ(fillTokens(call.q(), from, value))
            .withK(fillTokens(call.k(), from, value))
            .withV(fillTokens(call.v(), from, value));
    return call.decay() instanceof LogDecay.PerToken g
        ? spoilt.withDecay(LogDecay.perToken(fillTokens(g.values(), from, -3)))
        : spoilt;
  }

  private static INDArray fillTokens(INDArray array, int from, double value) {
    int[] lengths = new int[(int) array.size(0)];
    Arrays.fill(lengths, from);
    return fillPadding(array, lengths, value);
  }

  /** Sets everything at padded tokens, the log decay included. */
  static FormCall padWith(FormCall call, double value) {
    FormCall padded =
        call.withQ(fillPadding(call.q(), call.lengths(), value))
            .withK(fillPadding(call.k(), call.lengths(), value))
            .withV(fillPadding(call.v(), call.lengths(), value));
    return call.decay() instanceof LogDecay.PerToken g
        ? padded.withDecay(LogDecay.perToken(fillPadding(g.values(), call.lengths(), value)))
        : padded;
  }

  static INDArray fillPadding(INDArray array, int[] lengths, double value) {
    double[] values = Tensors.flat(array);
    int perRow = values.length / lengths.length;
    int perToken = array.size(1) == 0 ? 0 : perRow / (int) array.size(1);
    for (int b = 0; b < lengths.length; b++) {
      Arrays.fill(values, b * perRow + lengths[b] * perToken, (b + 1) * perRow, value);
    }
    return Tensors.of(values, array.dataType(), array.shape());
  }

  static void assertPaddingIsZero(INDArray output, int[] lengths) {
    INDArray zeroed = fillPadding(output, lengths, 0);
    // Adding 0 turns −0.0 into 0.0: the sign of a zero does not matter here.
    assertThat(Tensors.copy(output).addi(0)).as("outputs at padding").isEqualTo(zeroed.addi(0));
  }

  /** The row, query head and key/value head that {@link #spoilOneHead} spoils. */
  private static final int ROW = 1;

  private static final int HEAD = 2;
  private static final int KV_HEAD = 1;
  private static final int TOKEN = 4;

  /** Puts a value into one input of row 1 at token 4: head 2, key/value head 1. */
  static FormCall spoilOneHead(FormCall call, String input, double value) {
    return switch (input) {
      case "q" -> call.withQ(spoil(call.q(), TOKEN, HEAD, value));
      case "k" -> call.withK(spoil(call.k(), TOKEN, KV_HEAD, value));
      case "v" -> call.withV(spoil(call.v(), TOKEN, KV_HEAD, value));
      default -> call.withState(spoil(call.state(), HEAD, 1, value));
    };
  }

  private static INDArray spoil(INDArray array, int second, int third, double value) {
    long place = ((ROW * array.size(1) + second) * array.size(2) + third) * array.size(3) + 1;
    return Tensors.with(array, place, value);
  }

  /** Checks that what cannot depend on the spoilt input is as expected. */
  static void assertOtherHeadsClose(
      FormResult result, FormResult expected, FormCall call, String input) {
    boolean shared = input.equals("k") || input.equals("v");
    int group = (int) (call.q().size(2) / call.k().size(2));
    double[] output = Tensors.flat(result.output());
    double[] state = Tensors.flat(result.state());
    double[] expectedOutput = Tensors.flat(expected.output());
    double[] expectedState = Tensors.flat(expected.state());
    int heads = (int) call.q().size(2);
    int width = (int) call.v().size(3);
    int stateSize = (int) (call.q().size(3) * width);
    int tokens = call.tokens();
    boolean seen = false;
    for (int h = 0; h < heads; h++) {
      if (!(shared ? h / group == KV_HEAD : h == HEAD)) {
        continue;
      }
      for (int t = 0; t < tokens; t++) {
        boolean touched = input.equals("state") || (input.equals("q") ? t == TOKEN : t >= TOKEN);
        int at = ((ROW * tokens + t) * heads + h) * width;
        if (touched) {
          seen |= !allFinite(output, at, width);
          System.arraycopy(expectedOutput, at, output, at, width);
        }
      }
      if (!input.equals("q")) {
        int at = (ROW * heads + h) * stateSize;
        System.arraycopy(expectedState, at, state, at, stateSize);
      }
    }
    assertThat(seen).as("the spoilt head's outputs are not finite").isTrue();
    FormResult rest =
        new FormResult(
            Tensors.of(output, DataType.DOUBLE, result.output().shape()),
            Tensors.of(state, DataType.DOUBLE, result.state().shape()));
    assertClose(rest, expected, call, "all but what " + input + " reaches");
  }

  private static boolean allFinite(double[] values, int from, int n) {
    return Arrays.stream(values, from, from + n).allMatch(Double::isFinite);
  }

  static void assertSameInputs(FormCall call, FormCall before) {
    assertThat(call.q()).as("q").isEqualTo(before.q());
    assertThat(call.k()).as("k").isEqualTo(before.k());
    assertThat(call.v()).as("v").isEqualTo(before.v());
    assertThat(call.state()).as("state").isEqualTo(before.state());
    assertThat(call.lengths()).as("lengths").isEqualTo(before.lengths());
    if (call.decay() instanceof LogDecay.PerToken g) {
      assertThat(g.values())
          .as("log decay")
          .isEqualTo(((LogDecay.PerToken) before.decay()).values());
    }
  }

  /** Returns the call on views that are equal and lie apart in memory. */
  static FormCall strided(FormCall call) {
    LogDecay decay =
        call.decay() instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.strided(g.values()))
            : call.decay();
    return call.withQ(Tensors.strided(call.q()))
        .withK(Tensors.strided(call.k()))
        .withV(Tensors.strided(call.v()))
        .withState(Tensors.strided(call.state()))
        .withDecay(decay);
  }

  /** Returns calls of different numbers and lengths. */
  static List<FormCall> differentCalls(DataType type, int count) {
    List<FormCall> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      FormCase.Decay decay = i % 2 == 0 ? FormCase.Decay.POW2 : FormCase.Decay.PER_TOKEN;
      calls.add(FormCase.of(2, 33 + i, 2, 1, 5, 3, decay).call(type, 100 + i));
    }
    return calls;
  }

  /** Runs every call on a thread of its own, all at once, several times over. */
  static <C, R> List<R> atOnce(List<C> calls, Function<C, R> code, int rounds)
      throws InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(calls.size());
    try {
      List<Future<R>> futures = new ArrayList<>();
      for (int round = 0; round < rounds; round++) {
        for (C call : calls) {
          futures.add(threads.submit(() -> code.apply(call)));
        }
      }
      List<R> results = new ArrayList<>();
      for (Future<R> future : futures) {
        results.add(future.get());
      }
      return results;
    } catch (ExecutionException e) {
      throw new AssertionError("a call that succeeds alone fails beside others", e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }
}
