package org.retention4j.testkit;

import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;

/** Calls that a form has to refuse, each made from a good one (B=2, T=6, H=4, H_kv=2, K=4, V=6). */
enum BadCall {
  Q_OF_RANK_3(c -> c.withQ(c.q().reshape(2, 6, 16))),
  K_OF_RANK_3(c -> c.withK(c.k().reshape(2, 6, 8))),
  V_OF_RANK_3(c -> c.withV(c.v().reshape(2, 6, 12))),
  STATE_OF_RANK_3(c -> c.withState(c.state().reshape(2, 4, 24))),
  Q_OF_OTHER_WIDTH(c -> c.withQ(like(c.q(), 2, 6, 4, 5))),
  K_OF_OTHER_WIDTH(c -> c.withK(like(c.q(), 2, 6, 2, 3))),
  Q_AND_K_OF_OTHER_WIDTH(c -> c.withQ(like(c.q(), 2, 6, 4, 5)).withK(like(c.k(), 2, 6, 2, 5))),
  V_OF_OTHER_WIDTH(c -> c.withV(like(c.v(), 2, 6, 2, 7))),
  K_OF_FEWER_TOKENS(c -> c.withK(like(c.k(), 2, 5, 2, 4))),
  K_OF_MORE_TOKENS(c -> c.withK(like(c.k(), 2, 7, 2, 4))),
  V_OF_FEWER_TOKENS(c -> c.withV(like(c.v(), 2, 5, 2, 6))),
  Q_OF_MORE_ROWS(c -> c.withQ(like(c.q(), 3, 6, 4, 4))),
  K_OF_FEWER_ROWS(c -> c.withK(like(c.k(), 1, 6, 2, 4))),
  V_OF_FEWER_ROWS(c -> c.withV(like(c.v(), 1, 6, 2, 6))),
  KV_HEADS_THAT_DO_NOT_DIVIDE(c -> c.withK(like(c.k(), 2, 6, 3, 4)).withV(like(c.v(), 2, 6, 3, 6))),
  MORE_KV_HEADS_THAN_HEADS(c -> c.withK(like(c.k(), 2, 6, 8, 4)).withV(like(c.v(), 2, 6, 8, 6))),
  V_OF_OTHER_HEADS(c -> c.withV(like(c.v(), 2, 6, 4, 6))),
  STATE_OF_OTHER_BATCH(c -> c.withState(like(c.state(), 1, 4, 4, 6))),
  STATE_OF_OTHER_HEADS(c -> c.withState(like(c.state(), 2, 2, 4, 6))),
  STATE_TRANSPOSED(c -> c.withState(like(c.state(), 2, 4, 6, 4))),
  Q_OF_OTHER_TYPE(c -> c.withQ(c.q().castTo(other(c.q())))),
  K_OF_OTHER_TYPE(c -> c.withK(c.k().castTo(other(c.k())))),
  V_OF_OTHER_TYPE(c -> c.withV(c.v().castTo(other(c.v())))),
  V_OF_HALF_PRECISION(c -> c.withV(c.v().castTo(DataType.HALF))),
  STATE_OF_OTHER_TYPE(c -> c.withState(c.state().castTo(other(c.state())))),
  DECAY_OF_FEWER_HEADS(c -> c.withDecay(LogDecay.perHead(-0.1, -0.2))),
  DECAY_OF_MORE_HEADS(c -> c.withDecay(LogDecay.perHead(-0.1, -0.2, -0.3, -0.4, -0.5))),
  TOKEN_DECAY_OF_KV_HEADS(c -> c.withDecay(decays(0, -0.1, 2, 6, 2))),
  TOKEN_DECAY_OF_FEWER_TOKENS(c -> c.withDecay(decays(0, -0.1, 2, 5, 4))),
  TOKEN_DECAY_OF_FEWER_ROWS(c -> c.withDecay(decays(0, -0.1, 1, 6, 4))),
  TOKEN_DECAY_ABOVE_0(c -> c.withDecay(decays(47, 1e-6, 2, 6, 4))),
  TOKEN_DECAY_NAN(c -> c.withDecay(decays(0, Double.NaN, 2, 6, 4))),
  RESETS_OF_FEWER_ROWS(c -> c.withResets(Resets.cumulative(new int[] {0, 2, 6}))),
  RESETS_OF_FEWER_TOKENS(c -> c.withResets(Resets.mask(new boolean[2][5]))),
  TOKEN_DECAY_INFINITY(c -> c.withDecay(decays(30, Double.POSITIVE_INFINITY, 2, 6, 4))),
  TOO_FEW_LENGTHS(c -> c.withLengths(6)),
  TOO_MANY_LENGTHS(c -> c.withLengths(6, 6, 6)),
  LENGTH_BELOW_0(c -> c.withLengths(6, -1)),
  LENGTH_ABOVE_T(c -> c.withLengths(7, 6)),
  SCALE_NAN(c -> c.withScale(Double.NaN)),
  SCALE_INFINITE(c -> c.withScale(Double.POSITIVE_INFINITY));

  private final UnaryOperator<FormCall> spoil;

  BadCall(UnaryOperator<FormCall> spoil) {
    this.spoil = spoil;
  }

  /** Returns the bad call in a type. */
  FormCall call(DataType type) {
    return spoil.apply(FormCase.of(2, 6, 4, 2, 4, 6, FormCase.Decay.POW2).call(type));
  }

  private static INDArray like(INDArray array, long... shape) {
    return Tensors.gaussian(1, array.dataType(), shape);
  }

  private static DataType other(INDArray array) {
    return array.dataType() == DataType.FLOAT ? DataType.DOUBLE : DataType.FLOAT;
  }

  /** Mild log decays with one value put at a place in row-major order. */
  private static LogDecay decays(int place, double value, long... shape) {
    INDArray mild = Nd4j.valueArrayOf(shape, -0.1, DataType.DOUBLE);
    return LogDecay.perToken(Tensors.with(mild, place, value));
  }
}
