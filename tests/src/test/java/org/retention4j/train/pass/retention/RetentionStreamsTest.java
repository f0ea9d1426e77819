package org.retention4j.train.pass.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.forms.Engines;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.train.pass.Segment;

/** Streams whose states go on from segment to segment. */
class RetentionStreamsTest {
  private static final int BATCH = 2;
  private static final int TOKENS = 20;
  private static final int SEGMENTS = 3;
  private static final RetentionForm FORM = new ChunkwiseForm(8);

  static Stream<Arguments> blocksAndForms() {
    List<RetentionForm> forms = List.of(FORM, new ParallelForm(8), new RecurrentForm());
    return Stream.of(
            RetentionConfig.fla(8, 2), RetentionConfig.torchscale(8, 2), RetentionCase.all())
        .flatMap(config -> forms.stream().map(form -> Arguments.of(config, form)));
  }

  private static RetentionRun run(
      Engine engine, RetentionConfig config, RetentionForm form, int tokens, int groups) {
    return new RetentionRun(engine, config, form, BATCH, tokens, groups)
        .weights(RetentionRun.draw(config, 1));
  }

  /** Returns (B,T,D). */
  private static double[] numbers(RetentionConfig config, int seed, int tokens) {
    return Tensors.flat(Tensors.gaussian(seed, DataType.FLOAT, BATCH, tokens, config.modelWidth()));
  }

  private static double[] part(RetentionConfig config, double[] all, int segment) {
    int d = config.modelWidth();
    double[] part = new double[BATCH * TOKENS * d];
    for (int b = 0; b < BATCH; b++) {
      int from = (b * SEGMENTS + segment) * TOKENS * d;
      System.arraycopy(all, from, part, b * TOKENS * d, TOKENS * d);
    }
    return part;
  }

  private static Segment segment(int index, Resets starts, boolean carry) {
    return RetentionRun.segment(BATCH, starts, index == 0, carry);
  }

  private static Resets starts() {
    boolean[][] mask = new boolean[BATCH][SEGMENTS * TOKENS];
    mask[0][25] = true;
    mask[1][TOKENS] = true;
    mask[1][2 * TOKENS - 1] = true;
    return Resets.mask(mask);
  }

  @ParameterizedTest
  @MethodSource("blocksAndForms")
  void segmentsGiveTheOutputsOfOnePass(RetentionConfig config, RetentionForm form) {
    for (Resets starts : List.of(Resets.none(), starts())) {
      double[] x = numbers(config, 2, SEGMENTS * TOKENS);
      try (RetentionRun whole = run(Engines.float64(), config, form, SEGMENTS * TOKENS, 1);
          RetentionRun parts = run(Engines.float64(), config, form, TOKENS, 1)) {
        double[] expected = whole.forward(x, segment(0, starts, false));
        for (int i = 0; i < SEGMENTS; i++) {
          Resets own = starts.tokens(i * TOKENS, (i + 1) * TOKENS);
          Segment segment = segment(i, own, true);
          double[] y = parts.forward(part(config, x, i), segment);
          assertThat(y).containsExactly(part(config, expected, i), within(1e-12));
          parts.backward(numbers(config, 3, TOKENS), segment);
        }
      }
    }
  }

  /** An evaluation in between leaves what streams carry, and so does a forward pass alone. */
  @Test
  void onlyTheWayBackMovesStreams() {
    RetentionConfig config = RetentionCase.all();
    try (RetentionRun run = run(Engines.plain(), config, FORM, TOKENS, 2)) {
      Segment first = segment(0, Resets.none(), true);
      run.forward(numbers(config, 2, TOKENS), first);
      assertThat(run.carried(0)).containsOnly(0);
      run.backward(numbers(config, 3, TOKENS), first);
      double[] states = run.carried(0);
      double[] positions = run.carried(2);
      assertThat(positions).containsExactly(TOKENS, TOKENS, 0, 0, 0, 0, 0, 0);
      Segment evaluation = segment(0, Resets.none(), false);
      run.forward(numbers(config, 4, TOKENS), evaluation);
      run.backward(numbers(config, 3, TOKENS), evaluation);
      assertThat(run.carried(0)).isEqualTo(states);
      assertThat(run.carried(1)).containsOnly(0);
      assertThat(run.carried(2)).isEqualTo(positions);
    }
  }

  /** Rows begin from nothing one by one, whatever their streams carry. */
  @Test
  void freshRowsBeginFromNothing() {
    RetentionConfig config = RetentionConfig.torchscale(8, 2);
    double[] x = numbers(config, 4, TOKENS);
    try (RetentionRun run = run(Engines.float64(), config, FORM, TOKENS, 1)) {
      Segment first = segment(0, Resets.none(), true);
      double[] fresh = run.forward(x, first);
      run.backward(x, first);
      double[] goesOn = run.forward(x, segment(1, Resets.none(), false));
      boolean[] mixed = {false, true};
      double[] y = run.forward(x, new Segment(0, Resets.none(), mixed, false));
      int row = y.length / BATCH;
      assertThat(Arrays.copyOf(y, row)).isEqualTo(Arrays.copyOf(goesOn, row));
      assertThat(Arrays.copyOf(y, row)).isNotEqualTo(Arrays.copyOf(fresh, row));
      assertThat(Arrays.copyOfRange(y, row, 2 * row))
          .isEqualTo(Arrays.copyOfRange(fresh, row, 2 * row));
    }
  }

  /** Another run that takes what streams carry goes on with the same bits; groups are apart. */
  @Test
  void carriedTensorsResumeExactly() {
    RetentionConfig config = RetentionCase.all();
    double[] x = numbers(config, 2, TOKENS);
    double[] dy = numbers(config, 3, TOKENS);
    boolean[] none = new boolean[BATCH];
    try (RetentionRun run = run(Engines.vector(), config, FORM, TOKENS, 2);
        RetentionRun resumed = run(Engines.vector(), config, FORM, TOKENS, 2)) {
      run.carry(2, new double[] {7, 8, 3, 0, 9, 10, 0, 0});
      for (int group = 0; group < 2; group++) {
        Segment segment = new Segment(group, Resets.none(), none, true);
        run.forward(group == 0 ? x : dy, segment);
        run.backward(dy, segment);
      }
      assertThat(run.pass.carried())
          .extracting(tensor -> tensor.name())
          .containsExactly(
              "layers.0.mixer.state.0", "layers.0.mixer.state.1", "layers.0.mixer.positions");
      for (int i = 0; i < 3; i++) {
        resumed.carry(i, run.carried(i));
      }
      assertThat(run.carried(2)).containsExactly(27, 28, 3, 0, 29, 30, 0, 0);
      assertThat(run.carried(0)).isNotEqualTo(run.carried(1));
      for (int group = 0; group < 2; group++) {
        Segment segment = new Segment(group, Resets.none(), none, true);
        assertThat(resumed.forward(x, segment)).isEqualTo(run.forward(x, segment));
        Map<String, double[]> expected = run.gradients(dy, segment);
        resumed
            .gradients(dy, segment)
            .forEach((name, values) -> assertThat(values).isEqualTo(expected.get(name)));
      }
    }
  }

  @Test
  void twoStreamsAreRefused() {
    RetentionConfig config = RetentionConfig.fla(8, 2).toBuilder().keyValueInput(6).build();
    assertThatThrownBy(() -> run(Engines.float64(), config, FORM, TOKENS, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one stream");
  }
}
