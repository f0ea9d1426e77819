package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.forms.Variant;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Keys and values from a stream of their own: in micro-batches, token by token, and refused. */
class TwoStreamsTest {
  private static final RetentionConfig CONFIG =
      RetentionConfig.builder(8, 2).keyValueInput(6).build();

  static List<Variant> variants() {
    return Variant.all();
  }

  private static INDArray gaussian(Variant variant, long seed, int tokens, int width) {
    return Tensors.gaussian(seed, variant.dataType(), 2, tokens, width);
  }

  /** More tokens than a micro-batch: both streams go on where they stood. */
  @ParameterizedTest
  @MethodSource("variants")
  void readsBothStreamsPieceByPiece(Variant variant) {
    BlockInput input =
        BlockInput.of(gaussian(variant, 1, 700, 8))
            .withKeyValues(gaussian(variant, 2, 700, 6))
            .withLengths(700, 650);
    try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), CONFIG, 1);
        RetentionState state = block.newState(2)) {
      INDArray y = block.forward(variant.form(), input, state);
      ReferenceBlock.Result expected =
          ReferenceBlock.forward(CONFIG, block.weights().unpack(), input);
      Tolerance tolerance = Tolerance.block(variant.dataType());
      assertThat(y).isCloseTo(expected.output(), tolerance);
      assertThat(state.toArray()).isStateCloseTo(expected.state(), tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void decodesTokenByToken(Variant variant) {
    INDArray x = gaussian(variant, 1, 20, 8);
    INDArray stream = gaussian(variant, 2, 20, 6);
    try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), CONFIG, 1);
        RetentionState whole = block.newState(2);
        RetentionState state = block.newState(2);
        TokenDecoder decoder = block.decoder(variant.form(), state)) {
      INDArray expected =
          block.forward(variant.form(), BlockInput.of(x).withKeyValues(stream), whole);
      for (int t = 0; t < 20; t++) {
        decoder.input().assign(Tensors.tokens(x, t, t + 1));
        decoder.keyValueInput().assign(Tensors.tokens(stream, t, t + 1));
        decoder.step();
        assertThat(decoder.output())
            .as("token %d", t)
            .isCloseTo(Tensors.tokens(expected, t, t + 1), Tolerance.block(variant.dataType()));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void refusesWhatDoesNotFit(Variant variant) {
    DataType type = variant.dataType();
    INDArray x = gaussian(variant, 1, 5, 8);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BlockInput.of(x).withKeyValues(gaussian(variant, 2, 4, 6)))
        .withMessageContaining("(2,5,D_kv)")
        .withMessageContaining("[2, 4, 6]");
    RetentionConfig square = RetentionConfig.builder(8, 2).keyValueInput(8).build();
    try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), square, 1);
        RetentionState state = block.newState(2)) {
      INDArray before = state.toArray();
      INDArray wide = Nd4j.zeros(type, 2, 6, 8);
      BlockInput overlapped =
          BlockInput.of(x).withKeyValues(wide.get(all(), interval(0, 5), all()));
      INDArray shifted = wide.get(all(), interval(1, 6), all());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.bind(variant.form(), overlapped, state, shifted))
          .withMessageContaining("key/value stream")
          .withMessageContaining("overlaps");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.forward(variant.form(), x, state))
          .withMessageContaining("(B,T,8), got x alone");
      assertThat(state.toArray()).isEqualTo(before);
    }
    try (MultiScaleRetention block =
            MultiScaleRetention.random(variant.engine(), RetentionConfig.fla(8, 2), 1);
        RetentionState state = block.newState(2);
        TokenDecoder decoder = block.decoder(variant.form(), state)) {
      assertThatIllegalStateException()
          .isThrownBy(decoder::keyValueInput)
          .withMessageContaining("x alone");
    }
  }

  /** The outputs may lie where the second stream lies: each piece is read before it is written. */
  @ParameterizedTest
  @MethodSource("variants")
  void mayWriteOverTheStream(Variant variant) {
    RetentionConfig square = RetentionConfig.builder(8, 2).keyValueInput(8).build();
    INDArray x = gaussian(variant, 1, 700, 8);
    INDArray stream = gaussian(variant, 2, 700, 8);
    try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), square, 1);
        RetentionState one = block.newState(2);
        RetentionState two = block.newState(2)) {
      BlockInput input = BlockInput.of(x).withKeyValues(stream);
      INDArray expected = block.forward(variant.form(), input, one);
      try (BoundSequence bound = block.bind(variant.form(), input, two, stream)) {
        bound.step();
      }
      assertThat(stream).isEqualTo(expected);
    }
  }
}
