package org.retention4j.core;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Rows;

/** What the core refuses, before anything native is called. */
final class CoreChecks {
  private CoreChecks() {}

  static void check(
      Engine engine,
      INDArray q,
      INDArray k,
      INDArray v,
      LogDecay decay,
      double scale,
      RetentionState state,
      int[] lengths,
      INDArray out) {
    checkRanks(q, k, v);
    present("state", state);
    present("log decay", decay);
    present("out", out);
    checkUsable(state);
    if (state.type() != engine.type()) {
      throw new IllegalArgumentException(
          "expected a state of type " + engine.type() + ", the engine's, got " + state.type());
    }
    long batch = q.size(0);
    long tokens = q.size(1);
    long heads = q.size(2);
    checkArray("q", q, engine, state.batch(), tokens, state.heads(), state.keyWidth());
    long kvHeads = k.size(2);
    if (kvHeads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "expected a number of key/value heads that divides H = "
              + heads
              + ", got k of shape "
              + Arrays.toString(k.shape()));
    }
    checkArray("k", k, engine, batch, tokens, kvHeads, state.keyWidth());
    checkArray("v", v, engine, batch, tokens, kvHeads, state.valueWidth());
    checkArray("out", out, engine, batch, tokens, heads, state.valueWidth());
    checkDecay(decay, batch, tokens, heads);
    LogDecay.PerHead expected = state.convention().decay();
    if (expected != null && decay instanceof LogDecay.PerHead && !decay.equals(expected)) {
      throw new IllegalArgumentException(
          "expected the decay of the state's configuration, " + expected + ", got " + decay);
    }
    if (Rows.overlap(out, q) || Rows.overlap(out, k) || Rows.overlap(out, v)) {
      throw new IllegalArgumentException(
          "expected out to have memory of its own, got one that overlaps q, k or v");
    }
    checkApart("out", out, decay);
    if (Double.isNaN(scale) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("expected a finite scale, got " + scale);
    }
    checkLengths(lengths, batch, tokens);
  }

  static void checkRanks(INDArray q, INDArray k, INDArray v) {
    checkRank("q", q);
    checkRank("k", k);
    checkRank("v", v);
  }

  /** Refuses null. */
  static void present(String name, Object value) {
    if (value == null) {
      throw new IllegalArgumentException("expected " + name + ", got null");
    }
  }

  /** Refuses outputs that would overwrite the per-token decays while they are being read. */
  static void checkApart(String name, INDArray out, LogDecay decay) {
    if (decay instanceof LogDecay.PerToken g && Rows.overlap(out, g.values())) {
      throw new IllegalArgumentException(
          "expected " + name + " to have memory of its own, got one that overlaps the log decay");
    }
  }

  private static void checkRank(String name, INDArray array) {
    present(name, array);
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
              "expected %s of shape %s, got %s",
              name, Arrays.toString(shape), Arrays.toString(array.shape())));
    }
    checkType(name, array, engine);
  }

  static void checkType(String name, INDArray array, Engine engine) {
    if (array.dataType() != engine.type().dataType()) {
      throw new IllegalArgumentException(
          String.format(
              "expected %s of type %s, the engine's, got %s",
              name, engine.type().dataType(), array.dataType()));
    }
  }

  static void checkDecay(LogDecay decay, long batch, long tokens, long heads) {
    if (decay instanceof LogDecay.PerHead constant && constant.heads() != heads) {
      throw new IllegalArgumentException(
          "expected a log decay for " + heads + " heads, got one for " + constant.heads());
    }
    if (decay instanceof LogDecay.PerToken g
        && !Arrays.equals(g.values().shape(), new long[] {batch, tokens, heads})) {
      throw new IllegalArgumentException(
          String.format(
              "expected a log decay of shape [%d, %d, %d], got %s",
              batch, tokens, heads, Arrays.toString(g.values().shape())));
    }
  }

  static void checkLengths(int[] lengths, long batch, long tokens) {
    if (lengths == null) {
      return;
    }
    if (lengths.length != batch) {
      throw new IllegalArgumentException("expected " + batch + " lengths, got " + lengths.length);
    }
    for (int b = 0; b < lengths.length; b++) {
      if (lengths[b] < 0 || lengths[b] > tokens) {
        throw new IllegalArgumentException(
            String.format(
                "expected the length of row %d to be in 0..%d, got %d", b, tokens, lengths[b]));
      }
    }
  }

  static void checkUsable(RetentionState state) {
    if (state.closed()) {
      throw new IllegalArgumentException("expected an open state, got a closed one");
    }
    state.requireWhole();
  }

  /** Checks every per-token decay that is not padding. */
  static void checkValues(
      LogDecay decay, Rows values, int batch, int tokens, int heads, int[] lengths) {
    if (!(decay instanceof LogDecay.PerToken)) {
      return;
    }
    values.requireOpen();
    for (int b = 0; b < batch; b++) {
      int n = lengths == null ? tokens : lengths[b];
      for (int t = 0; t < n; t++) {
        for (int h = 0; h < heads; h++) {
          double g = values.get(b, t, 0, h);
          if (!(g <= 0) || Double.isInfinite(g)) {
            throw new IllegalArgumentException(
                String.format(
                    "expected a log decay that is finite and <= 0 at (b=%d, t=%d, h=%d), got %s",
                    b, t, h, g));
          }
        }
      }
    }
  }
}
