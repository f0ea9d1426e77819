package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;

/**
 * The suite that a multi-scale retention block has to pass, from x to y with a state (arXiv
 * 2307.08621, equation 8), in the conventions of fla and of torchscale checkpoints, each convention
 * by itself, and with the options that other models in use have: biases, feature maps, q/k norms,
 * grouped and mean-subtracting norms, gates, two streams.
 *
 * <p>Implement {@link #forward(BlockCall)} in a JUnit 5 test class and inherit the tests:
 *
 * <pre>{@code
 * class MyBlockTest implements RetentionBlockContract {
 *   public BlockResult forward(BlockCall call) {
 *     return myBlock(call.config(), call.parameters(), call.x(), call.decay(), call.state(),
 *         call.positions(), call.lengths());
 *   }
 * }
 * }</pre>
 *
 * <p>A block whose rotation starts one position late, that scales scores instead of keys, divides
 * by the √s_p of another position or takes another head's γ fails it; the bounds are {@link
 * Tolerance#block}.
 *
 * @since 0.1
 */
public interface RetentionBlockContract {
  /**
   * Runs a block.
   *
   * @param call its arrays are of {@link #dataType()} and must not be modified
   * @return y and the outgoing state, new arrays of {@link #dataType()}
   * @throws IllegalArgumentException if anything does not fit together
   */
  BlockResult forward(BlockCall call);

  /** Returns what the block computes in: FLOAT (the default) or DOUBLE. */
  default DataType dataType() {
    return DataType.FLOAT;
  }

  /**
   * Returns the weights as the block holds them, rounded to bf16 for instance: what the reference
   * computes on. By default those given.
   */
  default RetentionParameters asStored(RetentionConfig config, RetentionParameters parameters) {
    return parameters;
  }

  /** Output and outgoing state are the reference's. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.All.class)
  default void equalsTheReference(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    assertClose(forward(call), expected(call), "whole");
  }

  /** Positions count from the sequence's start, however far away that is. */
  @ParameterizedTest
  @ValueSource(longs = {1, 1000, 8190})
  default void rotatesByPosition(long position) {
    for (RetentionConfig config :
        List.of(BlockCase.fla().build(), BlockCase.torchscale().build())) {
      BlockCall call = BlockCase.of("", config, 2, 5).call(dataType());
      BlockCall later = call.withState(call.state(), position, 2 * position);
      assertClose(forward(later), expected(later), "from position " + position);
    }
  }

  /** A sequence split at any token and continued gives what it gives unsplit. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.Few.class)
  default void handsTheStateOverAtEverySplit(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    BlockResult expected = expected(call);
    for (int split : IntStream.rangeClosed(0, call.tokens()).toArray()) {
      BlockCall first = call.tokens(0, split);
      BlockResult before = forward(first);
      BlockResult after =
          forward(
              call.tokens(split, call.tokens()).withState(before.state(), first.endPositions()));
      INDArray output = Tensors.concatTokens(before.output(), after.output());
      assertClose(new BlockResult(output, after.state()), expected, "split at " + split);
    }
  }

  /** Without a state the block starts from zeros at position 0. */
  @Test
  default void startsFromZeros() {
    for (RetentionConfig config :
        List.of(BlockCase.fla().build(), BlockCase.torchscale().build())) {
      BlockCall call = BlockCase.of("", config, 2, 5).fromZero().call(dataType());
      INDArray zeros =
          Tensors.of(
              new double[2 * config.heads() * config.keyWidth() * config.valueWidth()],
              dataType(),
              2,
              config.heads(),
              config.keyWidth(),
              config.valueWidth());
      BlockResult implicit = forward(call);
      BlockResult explicit = forward(call.withState(zeros, 0, 0));
      assertThat(implicit.output()).isEqualTo(explicit.output());
      assertThat(implicit.state()).isEqualTo(explicit.state());
    }
  }

  /** What comes later, be it NaN, has no influence on outputs before it. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.Few.class)
  default void doesNotSeeTheFuture(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    BlockResult expected = expected(call);
    for (int from = 1; from < call.tokens(); from++) {
      for (double value : new double[] {1e3, Double.NaN}) {
        int[] upTo = new int[call.batch()];
        java.util.Arrays.fill(upTo, from);
        BlockCall spoilt = call.withX(FormChecks.fillPadding(call.x(), upTo, value));
        BlockResult result =
            forward(spoilt.withStream(s -> FormChecks.fillPadding(s, upTo, value)));
        assertThat(Tensors.tokens(result.output(), 0, from))
            .as("outputs before token %s, from which on x is %s", from, value)
            .isCloseTo(Tensors.tokens(expected.output(), 0, from), Tolerance.block(dataType()));
      }
    }
  }

  /** A NaN in one row, in x or in the state, leaves the other rows as they are, to the bit. */
  @ParameterizedTest
  @ValueSource(strings = {"x", "state"})
  default void keepsNaNInItsRow(String input) {
    BlockCall call = BlockCase.of("fla", BlockCase.fla().build(), 3, 20).call(dataType());
    BlockResult expected = expected(call);
    long perRow = (input.equals("x") ? call.x() : call.state()).length() / 3;
    BlockCall spoilt =
        input.equals("x")
            ? call.withX(Tensors.with(call.x(), perRow + 30, Double.NaN))
            : call.withState(Tensors.with(call.state(), perRow + 1, Double.NaN), call.positions());
    BlockResult result = forward(spoilt);
    for (int b = 0; b < 3; b += 2) {
      BlockResult row =
          new BlockResult(
              Tensors.rows(result.output(), b, b + 1), Tensors.rows(result.state(), b, b + 1));
      BlockResult expectedRow =
          new BlockResult(
              Tensors.rows(expected.output(), b, b + 1), Tensors.rows(expected.state(), b, b + 1));
      assertClose(row, expectedRow, "row " + b + " beside a NaN in " + input + " of row 1");
    }
    assertThat(Tensors.flat(Tensors.rows(result.output(), 1, 2))).contains(Double.NaN);
  }

  /** A row of a batch gives what it gives alone. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.Few.class)
  default void equalsEachRowAlone(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    BlockResult together = forward(call);
    for (int b = 0; b < call.batch(); b++) {
      BlockCall row = call.row(b);
      BlockResult mine =
          new BlockResult(
              Tensors.rows(together.output(), b, b + 1), Tensors.rows(together.state(), b, b + 1));
      assertClose(mine, expected(row), "row " + b + " in the batch");
      assertClose(forward(row), expected(row), "row " + b + " alone");
    }
  }

  /** Padding gives 0, is not read, and neither writes to a state nor decays it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  default void leavesPaddingAlone(boolean torchscale) {
    RetentionConfig config = (torchscale ? BlockCase.torchscale() : BlockCase.fla()).build();
    BlockCall call = BlockCase.of("", config, 3, 20).lengths(20, 0, 7).call(dataType());
    BlockResult expected = expected(call);
    for (double value : new double[] {0, 1e3, Double.NaN}) {
      BlockResult result =
          forward(call.withX(FormChecks.fillPadding(call.x(), call.lengths(), value)));
      FormChecks.assertPaddingIsZero(result.output(), call.lengths());
      assertClose(result, expected, "padding is " + value);
      assertThat(Tensors.rows(result.state(), 1, 2))
          .as("state of a row without tokens")
          .isEqualTo(Tensors.rows(call.state(), 1, 2));
    }
  }

  /** No tokens: no outputs, and the state comes out as it went in, to the bit. */
  @Test
  default void acceptsNoTokens() {
    BlockCall call = BlockCase.of("fla", BlockCase.fla().build(), 2, 0).call(dataType());
    BlockResult result = forward(call);
    assertThat(result.output()).hasShape(2, 0, 12).hasDataType(dataType());
    assertThat(result.state()).isEqualTo(call.state());
  }

  /** Inputs are not modified, the incoming state included. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.Few.class)
  default void leavesItsInputsAlone(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    BlockCall before = sizes.call(dataType());
    forward(call);
    assertThat(call.x()).as("x").isEqualTo(before.x());
    assertThat(call.state()).as("state").isEqualTo(before.state());
    assertThat(call.positions()).as("positions").isEqualTo(before.positions());
    assertThat(call.lengths()).as("lengths").isEqualTo(before.lengths());
    assertThat(call.parameters().query()).as("W_Q").isEqualTo(before.parameters().query());
    assertThat(call.parameters().output()).as("W_O").isEqualTo(before.parameters().output());
  }

  /** Views with any strides give the bits that dense arrays give. */
  @ParameterizedTest
  @ArgumentsSource(BlockCase.Few.class)
  default void acceptsViews(BlockCase sizes) {
    BlockCall call = sizes.call(dataType());
    BlockResult dense = forward(call);
    BlockCall views =
        call.withX(Tensors.strided(call.x()))
            .withStream(Tensors::strided)
            .withState(Tensors.strided(call.state()), call.positions());
    BlockResult strided =
        forward(call.perToken(Tensors::strided).map(views::withDecay).orElse(views));
    assertThat(strided.output()).isEqualTo(dense.output());
    assertThat(strided.state()).isEqualTo(dense.state());
  }

  /** What does not fit is an IllegalArgumentException with a message, and the state stays as is. */
  @ParameterizedTest
  @EnumSource
  default void refuses(BadBlockCall bad) {
    BlockCall call = bad.call(dataType());
    INDArray before = Tensors.copy(call.state());
    assertThatThrownBy(() -> forward(call))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("(?s).*[a-z].*");
    assertThat(call.state()).isEqualTo(before);
  }

  /** Eight threads at once get the bits that each gets alone. */
  @Test
  default void worksFromManyThreads() throws InterruptedException {
    List<BlockCall> calls =
        IntStream.range(0, 8)
            .mapToObj(
                i ->
                    BlockCase.of("fla", BlockCase.fla().build(), 2, 9 + i)
                        .call(dataType(), 100 + i))
            .toList();
    List<BlockResult> alone = calls.stream().map(this::forward).toList();
    List<BlockResult> together = FormChecks.atOnce(calls, this::forward, 4);
    assertThat(together).hasSize(4 * alone.size());
    for (int i = 0; i < together.size(); i++) {
      BlockResult expected = alone.get(i % alone.size());
      assertThat(together.get(i).output()).isEqualTo(expected.output());
      assertThat(together.get(i).state()).isEqualTo(expected.state());
    }
  }

  private BlockResult expected(BlockCall call) {
    return call.reference(asStored(call.config(), call.parameters()));
  }

  private void assertClose(BlockResult result, BlockResult expected, String how) {
    Tolerance tolerance = Tolerance.block(dataType());
    assertThat(result.output()).as("output, %s", how).isCloseTo(expected.output(), tolerance);
    assertThat(result.state()).as("state, %s", how).isStateCloseTo(expected.state(), tolerance);
  }
}
