package org.retention4j.core;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;

/** What the core refuses, before anything native is called. */
final class CoreChecks {
  private CoreChecks() {}

  /** Checks a call against a state and an output. */
  static void check(Engine engine, RetentionCall call, RetentionState state, INDArray out) {
    Args.present("state", state);
    Args.present("out", out);
    checkInputs(engine, call, state);
    checkOutputs("out", engine, call, state, out);
    if (NdArrays.overlap(out, call.q())
        || NdArrays.overlap(out, call.k())
        || NdArrays.overlap(out, call.v())) {
      throw new IllegalArgumentException(
          "expected out to have memory of its own, got one that overlaps q, k or v");
    }
    checkApart("out", out, call.decay());
  }

  /** Checks a call against a state. */
  static void checkInputs(Engine engine, RetentionCall call, RetentionState state) {
    checkState(engine, state);
    INDArray q = call.q();
    long batch = q.size(0);
    long tokens = q.size(1);
    long kvHeads = call.k().size(2);
    checkArray("q", q, engine, state.batch(), tokens, state.heads(), state.keyWidth());
    checkArray("k", call.k(), engine, batch, tokens, kvHeads, state.keyWidth());
    checkArray("v", call.v(), engine, batch, tokens, kvHeads, state.valueWidth());
    LogDecay.PerHead expected = state.convention().decay().orElse(null);
    LogDecay decay = call.decay();
    if (expected != null && decay instanceof LogDecay.PerHead && !decay.equals(expected)) {
      throw new IllegalArgumentException(
          "expected the decay of the state's configuration, " + expected + ", got " + decay);
    }
  }

  /** Checks an array of a call's outputs (B,T,H,V), or of their gradients. */
  static void checkOutputs(
      String name, Engine engine, RetentionCall call, RetentionState state, INDArray array) {
    INDArray q = call.q();
    checkArray(name, array, engine, q.size(0), q.size(1), q.size(2), state.valueWidth());
  }

  /** Checks ranks, and the number of key/value heads. */
  static void checkArrays(INDArray q, INDArray k, INDArray v) {
    checkRank("q", q);
    checkRank("k", k);
    checkRank("v", v);
    if (k.size(2) < 1 || q.size(2) % k.size(2) != 0) {
      throw new IllegalArgumentException(
          "expected a number of key/value heads that divides H = "
              + q.size(2)
              + ", got k of shape "
              + Arrays.toString(k.shape()));
    }
  }

  /** Checks that a state is open and made for an engine. */
  static void checkState(Engine engine, RetentionState state) {
    checkUsable(state);
    if (state.type() != engine.type()) {
      throw new IllegalArgumentException(
          "expected a state of type " + engine.type() + ", the engine's, got " + state.type());
    }
    if (!engine.suits(state.head(0, 0))) {
      throw new IllegalArgumentException(
          "expected a state in the layout of this engine (route "
              + engine.route()
              + "), got one made for another route: move it with copyTo(engine)");
    }
  }

  /** Refuses outputs that would overwrite the per-token decays while they are being read. */
  static void checkApart(String name, INDArray out, LogDecay decay) {
    if (decay.overlaps(out)) {
      throw new IllegalArgumentException(
          "expected " + name + " to have memory of its own, got one that overlaps the log decay");
    }
  }

  private static void checkRank(String name, INDArray array) {
    Args.present(name, array);
    if (array.rank() != 4) {
      throw new IllegalArgumentException(
          "expected "
              + name
              + " of rank 4 (B,T,heads,width), got shape "
              + Arrays.toString(array.shape()));
    }
  }

  private static void checkArray(String name, INDArray array, Engine engine, long... shape) {
    checkRank(name, array);
    if (!Arrays.equals(array.shape(), shape)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %s of shape %s, got %s",
              name,
              Arrays.toString(shape),
              Arrays.toString(array.shape())));
    }
    checkType(name, array, engine);
  }

  static void checkType(String name, INDArray array, Engine engine) {
    if (array.dataType() != engine.dataType()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %s of type %s, the engine's, got %s",
              name,
              engine.dataType(),
              array.dataType()));
    }
  }

  /** Checks an array that is to become a state. */
  static void checkStateArray(INDArray array, Engine engine) {
    if (array.rank() != 4 || array.length() == 0) {
      throw new IllegalArgumentException(
          "expected a state of shape (B,H,K,V), got " + Arrays.toString(array.shape()));
    }
    checkType("a state", array, engine);
  }

  static void checkRow(int row, int batch) {
    if (row < 0 || row >= batch) {
      throw new IllegalArgumentException("expected rows in 0.." + (batch - 1) + ", got " + row);
    }
  }

  static void checkLengths(int[] lengths, long batch, long tokens) {
    if (lengths.length != batch) {
      throw new IllegalArgumentException("expected " + batch + " lengths, got " + lengths.length);
    }
    for (int b = 0; b < lengths.length; b++) {
      if (lengths[b] < 0 || lengths[b] > tokens) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected the length of row %d to be in 0..%d, got %d",
                b,
                tokens,
                lengths[b]));
      }
    }
  }

  static void checkUsable(RetentionState state) {
    Args.present("state", state);
    if (state.closed()) {
      throw new IllegalArgumentException("expected an open state, got a closed one");
    }
    state.requireWhole();
  }

  static void checkStateSizes(int batch, int heads, int keyWidth, int valueWidth) {
    if (batch < 1 || heads < 1 || keyWidth < 1 || valueWidth < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a state (B,H,K,V) with all sizes >= 1, got (%d,%d,%d,%d)",
              batch,
              heads,
              keyWidth,
              valueWidth));
    }
  }

  static void checkStart(long start) {
    if (start < 0 || start > RetentionState.LARGEST_POSITION) {
      throw new IllegalArgumentException(
          "expected a start position in 0.." + RetentionState.LARGEST_POSITION + ", got " + start);
    }
  }

  static void checkPositions(long[] positions, int batch) {
    if (positions.length != batch) {
      throw new IllegalArgumentException(
          "expected "
              + batch
              + " positions for a state of batch "
              + batch
              + ", got "
              + positions.length);
    }
    for (long p : positions) {
      if (p < 0 || p > RetentionState.LARGEST_POSITION) {
        throw new IllegalArgumentException(
            "expected positions in 0.." + RetentionState.LARGEST_POSITION + ", got " + p);
      }
    }
  }
}
