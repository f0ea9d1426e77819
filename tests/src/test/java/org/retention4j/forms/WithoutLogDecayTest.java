package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.core.form.Tape;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;

/** Whoever does not ask for gradients of log decays gets the other gradients, to the bit. */
class WithoutLogDecayTest {
  private static final int TOKENS = 70;
  private static final int KEYS = 5;
  private static final int VALUES = 3;

  static Stream<Variant> variants() {
    return Variant.all().stream();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void otherGradientsStay(Variant variant) {
    assertThat(gradients(variant, false)).isEqualTo(gradients(variant, true));
  }

  private static List<Double> gradients(Variant variant, boolean wanted) {
    Engine engine = variant.engine();
    Random random = new Random(5);
    try (Buffers buffers = engine.newBuffers()) {
      RowView q = rows(buffers, KEYS, random);
      RowView k = rows(buffers, KEYS, random);
      RowView v = rows(buffers, VALUES, random);
      RowView dOut = rows(buffers, VALUES, random);
      RowView dq = rows(buffers, KEYS, null);
      RowView dk = rows(buffers, KEYS, null);
      RowView dv = rows(buffers, VALUES, null);
      HeadState state = state(engine, random);
      HeadState stateGradient = state(engine, random);
      HeadSlice slice = new HeadSlice(q, k, v, dOut, 0.5);
      slice.decays(Decays.constant(new double[] {-0.1}).withResets(new int[][] {{33}}));
      GradientSlice gradient = new GradientSlice(dOut, dq, dk, dv, TOKENS, new Tape(buffers));
      assertThat(gradient.wantsLogDecay()).isTrue();
      if (!wanted) {
        assertThat(gradient.withoutLogDecay().wantsLogDecay()).isFalse();
      }
      HeadGradient[] kernels =
          engine.perLane(
              List.of(WithoutLogDecayTest.class, variant.form()),
              lane -> variant.form().prepareGradient(lane, KEYS, VALUES),
              new HeadGradient[0]);
      engine.exclusively(
          () ->
              engine.run(
                  1,
                  (lane, index) ->
                      kernels[lane.index()].backward(
                          slice.at(0, 0, 0, TOKENS, state), gradient.at(stateGradient))));
      List<Double> all = new ArrayList<>();
      add(dq, all);
      add(dk, all);
      add(dv, all);
      stateGradient.fold();
      for (int i = 0; i < KEYS; i++) {
        double[] row = new double[VALUES];
        stateGradient.readRow(i, row);
        for (double x : row) {
          all.add(x);
        }
      }
      return all;
    }
  }

  /** Zeros without a source of numbers. */
  private static RowView rows(Buffers buffers, int width, Random random) {
    RowView rows = buffers.tile(TOKENS, width).asRows(TOKENS, width);
    double[] row = new double[width];
    for (int t = 0; t < TOKENS && random != null; t++) {
      fill(row, random);
      rows.writeWide(0, t, 0, row);
    }
    return rows;
  }

  private static HeadState state(Engine engine, Random random) {
    HeadState state = engine.newState(KEYS, VALUES);
    double[] row = new double[VALUES];
    for (int i = 0; i < KEYS; i++) {
      fill(row, random);
      state.writeRow(i, row);
    }
    return state;
  }

  private static void fill(double[] row, Random random) {
    for (int i = 0; i < row.length; i++) {
      row[i] = random.nextGaussian();
    }
  }

  private static void add(RowView rows, List<Double> to) {
    for (int t = 0; t < TOKENS; t++) {
      for (int i = 0; i < rows.width(); i++) {
        to.add(rows.get(0, t, 0, i));
      }
    }
  }
}
