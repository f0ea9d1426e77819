package org.retention4j.testkit;

import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;

/** Calls that a block has to refuse, each made from a good one (B=2, T=6, D=12, H=2, K=6, V=12). */
enum BadBlockCall {
  X_OF_RANK_2(c -> c.withX(c.x().reshape(12, 12))),
  X_OF_RANK_4(c -> c.withX(c.x().reshape(2, 6, 2, 6))),
  X_OF_OTHER_WIDTH(c -> c.withX(like(c.x(), 2, 6, 11))),
  X_OF_MORE_ROWS(c -> c.withX(like(c.x(), 3, 6, 12))),
  X_OF_OTHER_TYPE(c -> c.withX(c.x().castTo(other(c.x())))),
  X_OF_HALF_PRECISION(c -> c.withX(c.x().castTo(DataType.HALF))),
  STATE_OF_OTHER_BATCH(c -> c.withState(like(c.state(), 1, 2, 6, 12), 0)),
  STATE_OF_OTHER_HEADS(c -> c.withState(like(c.state(), 2, 3, 6, 12), 0, 0)),
  STATE_TRANSPOSED(c -> c.withState(like(c.state(), 2, 2, 12, 6), 0, 0)),
  STATE_OF_RANK_3(c -> c.withState(like(c.state(), 2, 12, 12), 0, 0)),
  STATE_OF_OTHER_TYPE(c -> c.withState(c.state().castTo(other(c.state())), 0, 0)),
  TOO_FEW_POSITIONS(c -> c.withState(c.state(), 5)),
  POSITION_BELOW_0(c -> c.withState(c.state(), 5, -1)),
  OTHER_CONSTANT_DECAY(c -> c.withDecay(LogDecay.perHead(-0.1, -0.2))),
  TOKEN_DECAY_OF_MORE_HEADS(c -> c.withDecay(decays(0, -0.1, 2, 6, 3))),
  TOKEN_DECAY_OF_FEWER_TOKENS(c -> c.withDecay(decays(0, -0.1, 2, 5, 2))),
  TOKEN_DECAY_ABOVE_0(c -> c.withDecay(decays(23, 1e-6, 2, 6, 2))),
  TOKEN_DECAY_NAN(c -> c.withDecay(decays(7, Double.NaN, 2, 6, 2))),
  RESETS_OF_FEWER_ROWS(c -> c.withResets(Resets.cumulative(new int[] {0, 2, 6}))),
  RESETS_OF_MORE_TOKENS(c -> c.withResets(Resets.mask(new boolean[2][7]))),
  STREAM_MISSING(twoStreams(), BlockCall::withoutKeyValues),
  STREAM_OF_FEWER_TOKENS(twoStreams(), c -> c.withKeyValues(like(c.x(), 2, 5, 5))),
  STREAM_OF_FEWER_ROWS(twoStreams(), c -> c.withKeyValues(like(c.x(), 1, 6, 5))),
  STREAM_OF_OTHER_WIDTH(twoStreams(), c -> c.withKeyValues(like(c.x(), 2, 6, 12))),
  STREAM_OF_RANK_2(twoStreams(), c -> c.withKeyValues(like(c.x(), 12, 5))),
  STREAM_OF_OTHER_TYPE(twoStreams(), c -> c.withStream(s -> s.castTo(other(s)))),
  A_STREAM_TOO_MANY(c -> c.withKeyValues(like(c.x(), 2, 6, 12))),
  TOO_FEW_LENGTHS(c -> c.withLengths(6)),
  LENGTH_BELOW_0(c -> c.withLengths(-1, 6)),
  LENGTH_ABOVE_T(c -> c.withLengths(6, 7));

  private final RetentionConfig config;
  private final UnaryOperator<BlockCall> spoil;

  BadBlockCall(UnaryOperator<BlockCall> spoil) {
    this(BlockCase.fla().build(), spoil);
  }

  BadBlockCall(RetentionConfig config, UnaryOperator<BlockCall> spoil) {
    this.config = config;
    this.spoil = spoil;
  }

  private static RetentionConfig twoStreams() {
    return BlockCase.fla().keyValueInput(5).build();
  }

  /** Returns the bad call in a type. */
  BlockCall call(DataType type) {
    return spoil.apply(BlockCase.of("bad", config, 2, 6).call(type));
  }

  private static INDArray like(INDArray array, long... shape) {
    return Tensors.gaussian(1, array.dataType(), shape);
  }

  private static DataType other(INDArray array) {
    return array.dataType() == DataType.FLOAT ? DataType.DOUBLE : DataType.FLOAT;
  }

  private static LogDecay decays(int place, double value, long... shape) {
    INDArray mild = Nd4j.valueArrayOf(shape, -0.1, DataType.DOUBLE);
    return LogDecay.perToken(Tensors.with(mild, place, value));
  }
}
