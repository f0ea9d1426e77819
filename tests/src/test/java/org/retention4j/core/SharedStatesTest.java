package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;

/**
 * Copies of a state share S until it changes: nobody may notice. What a copy gives is held to a
 * state that was never copied.
 */
class SharedStatesTest {
  private static final LogDecay DECAY = LogDecay.perHead(-0.1, -1.0 / 3000);
  private static final int MOST = 70;

  /** Below, at and beyond what may be pending before it is folded. */
  private static final int[] LENGTHS = {0, 1, 7, 15, 16, 17, 33};

  static Stream<Variant> variants() {
    return Variant.engines().stream()
        .flatMap(
            engine ->
                Stream.of(new RecurrentForm(), new ChunkwiseForm(7))
                    .map(form -> new Variant(engine, form)));
  }

  /** Tokens 0…MOST−1 of B = 2, H = 2, K = 3, V = 5. */
  private static final class Tokens {
    private final Engine engine;
    private final RetentionForm form;
    private final List<RetentionCall> calls = new ArrayList<>();

    Tokens(Variant variant, long seed) {
      engine = variant.engine();
      form = variant.form();
      DataType type = variant.dataType();
      INDArray q = Tensors.gaussian(seed, type, 2, MOST, 2, 3);
      INDArray k = Tensors.gaussian(seed + 1, type, 2, MOST, 2, 3);
      INDArray v = Tensors.gaussian(seed + 2, type, 2, MOST, 2, 5);
      for (int t = 0; t < MOST; t++) {
        calls.add(RetentionCall.of(at(q, t), at(k, t), at(v, t), DECAY));
      }
    }

    RetentionState zeros() {
      return RetentionState.zeros(engine, 2, 2, 3, 5);
    }

    /** Reads tokens one at a time, which is how they come to be pending. */
    void read(RetentionState state, int from, int to) {
      RetentionCore core = new RetentionCore(engine, form);
      for (RetentionCall call : calls.subList(from, to)) {
        core.advance(call, state);
      }
    }

    private static INDArray at(INDArray all, int t) {
      return all.get(
              NDArrayIndex.all(),
              NDArrayIndex.interval(t, t + 1),
              NDArrayIndex.all(),
              NDArrayIndex.all())
          .dup('c');
    }

    /** Returns the bytes of a state that read this alone. */
    INDArray alone(int tokens, Tokens then, int from, int to) {
      try (RetentionState state = zeros()) {
        read(state, 0, tokens);
        then.read(state, from, to);
        return state.toArray();
      }
    }
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("variants")
  void copiesAndWhatTheyWereTakenFromGoTheirOwnWays(Variant variant) {
    Tokens one = new Tokens(variant, 1);
    Tokens other = new Tokens(variant, 7);
    for (int before : LENGTHS) {
      INDArray kept = one.alone(before, one, 0, 0);
      for (int after : LENGTHS) {
        try (RetentionState state = one.zeros()) {
          one.read(state, 0, before);
          try (RetentionState first = state.copy();
              RetentionState second = first.copy()) {
            other.read(first, before, before + after);
            one.read(state, before, before + after);
            INDArray mixed = one.alone(before, other, before, before + after);
            INDArray whole = one.alone(before + after, one, 0, 0);
            assertThat(second.toArray()).isEqualTo(kept);
            assertThat(first.toArray()).isEqualTo(mixed);
            assertThat(state.toArray()).isEqualTo(whole);
            second.put(0, first, 1);
            second.put(1, state, 0);
            first.wipe();
            one.read(state, before + after, before + after + 1);
            assertRow(second, 0, mixed, 1);
            assertRow(second, 1, whole, 0);
          }
        }
      }
    }
  }

  private static void assertRow(RetentionState state, int row, INDArray expected, int expectedRow) {
    assertThat(state.toArray().slice(row)).isEqualTo(expected.slice(expectedRow));
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("variants")
  void whatIsWipedOrResetIsGoneForItselfOnly(Variant variant) {
    Tokens tokens = new Tokens(variant, 3);
    for (int before : LENGTHS) {
      INDArray expected = tokens.alone(before, tokens, 0, 0);
      try (RetentionState state = tokens.zeros()) {
        tokens.read(state, 0, before);
        RetentionState copy = state.copy();
        state.wipe();
        assertThat(copy.toArray()).isEqualTo(expected);
        assertThat(state.toArray().amaxNumber().doubleValue()).isZero();
        state.put(0, copy, 0);
        state.reset(1);
        copy.wipe();
        assertRow(state, 0, expected, 0);
        assertThat(state.toArray().slice(1).amaxNumber().doubleValue()).isZero();
        copy.close();
        tokens.read(state, before, before + 1);
        assertRow(state, 0, tokens.alone(before + 1, tokens, 0, 0), 0);
      }
    }
  }

  /** One thread writes what others read, copy and write at the same time. */
  @Test
  void copiesMayBeUsedByThreadsOfTheirOwn() throws InterruptedException, ExecutionException {
    Tokens tokens = new Tokens(new Variant(Engines.plain(), new RecurrentForm()), 5);
    INDArray expected = tokens.alone(MOST, tokens, 0, 0);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 50; round++) {
        RetentionState state = tokens.zeros();
        int before = round % 35;
        tokens.read(state, 0, before);
        List<Future<INDArray>> ends = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          RetentionState own = state.copy();
          ends.add(
              threads.submit(
                  () -> {
                    try (own) {
                      new RetentionState[] {own.copy()}[0].close();
                      tokens.read(own, before, MOST);
                      return own.toArray();
                    }
                  }));
        }
        state.close();
        for (Future<INDArray> end : ends) {
          assertThat(end.get()).isEqualTo(expected);
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** S is 512 KiB: a copy inside a fold's window takes what is pending, and no more when closed. */
  @Test
  void copyWithinAFoldsWindowTakesOnlyWhatIsPending() {
    Variant variant = new Variant(Engines.plain(), new RecurrentForm());
    Engine engine = variant.engine();
    RetentionCore core = new RetentionCore(engine, variant.form());
    RetentionCall call =
        RetentionCall.of(
            Tensors.gaussian(1, DataType.FLOAT, 1, 1, 2, 256),
            Tensors.gaussian(2, DataType.FLOAT, 1, 1, 2, 256),
            Tensors.gaussian(3, DataType.FLOAT, 1, 1, 2, 256),
            DECAY);
    try (RetentionState state = RetentionState.zeros(engine, 1, 2, 256, 256)) {
      for (int t = 0; t < 20; t++) { // folded at 16, 4 are pending
        core.advance(call, state);
      }
      state.copy().close();
      long copied = allocatedBy(() -> state.copy().close());
      assertThat(copied).isLessThan(state.formulaBytes() / 8);
      long folded =
          allocatedBy(
              () -> {
                state.copy().close();
                for (int t = 0; t < 12; t++) { // beyond the next fold
                  core.advance(call, state);
                }
              });
      assertThat(folded).isLessThan(state.formulaBytes() / 2);
    }
  }

  private static long allocatedBy(Runnable work) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    work.run();
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
