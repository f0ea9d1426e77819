package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** Decay schedules, log decays, rotation frequencies and the forms' own settings. */
class ScheduleTest {
  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }

  @Test
  void pow2() {
    DecaySchedule schedule = DecaySchedule.pow2(40);
    assertThat(schedule.name()).isEqualTo("pow2");
    assertThat(schedule.heads()).isEqualTo(40);
    // ln(1 − 2^−5), and ln(1 − x) = −x − x²/2 − … where 1 − x rounds to 1 in fp32.
    assertThat(schedule.logDecay().of(0)).isCloseTo(-0.0317486983145803, within(1e-17));
    double x = Math.pow(2, -44);
    assertThat(schedule.logDecay().of(39)).isEqualTo(-x - x * x / 2);
    assertThat(schedule.gammas()[1]).isEqualTo(1 - 1.0 / 64);
  }

  @Test
  void linspace() {
    double[] gammas = DecaySchedule.linspace(3).gammas();
    // 1 − 1/32, 1 − 1/√(32·512) = 1 − 1/128, 1 − 1/512.
    assertThat(gammas).hasSize(3);
    assertThat(gammas[0]).isCloseTo(1 - 1.0 / 32, within(1e-15));
    assertThat(gammas[1]).isCloseTo(1 - 1.0 / 128, within(1e-15));
    assertThat(gammas[2]).isCloseTo(1 - 1.0 / 512, within(1e-15));
    assertThat(DecaySchedule.linspace(1).gammas()[0]).isCloseTo(1 - 1.0 / 32, within(1e-15));
    assertThat(DecaySchedule.linspace(2).name()).isEqualTo("linspace");
  }

  /** The numbers of golden/block/lightning, layer 1 of 4, and of ALiBi's paper for 8 heads. */
  @Test
  void slopes() {
    assertThat(DecaySchedule.slopes(8).logDecay().values())
        .containsExactly(
            -1 / 2.0, -1 / 4.0, -1 / 8.0, -1 / 16.0, -1 / 32.0, -1 / 64.0, -1 / 128.0, -1 / 256.0);
    double[] golden = {-0.16666917, -0.04166729, -0.01041682, -0.00260421};
    double[] values = DecaySchedule.slopes(4, 1, 4).logDecay().values();
    for (int h = 0; h < 4; h++) {
      assertThat(values[h]).isCloseTo(golden[h], within(5e-9));
    }
    assertThat(DecaySchedule.slopes(1, 3, 4).logDecay().of(0))
        .isCloseTo(-1e-5 / 256, within(1e-20));
    assertThat(DecaySchedule.slopes(2).name()).isEqualTo("slopes");
    assertThat(DecaySchedule.slopes(2, 3, 4).name()).isEqualTo("slopes of layer 3 of 4");
    refuses(() -> DecaySchedule.slopes(4, 4, 4), "0..L-1", "layer 4 of 4");
    refuses(() -> DecaySchedule.slopes(4, -1, 4), "layer -1 of 4");
    refuses(() -> DecaySchedule.slopes(4, 0, 1), "L >= 2", "layer 0 of 1");
    refuses(() -> DecaySchedule.slopes(0), "1 to 1000", "got 0");
  }

  @Test
  void custom() {
    DecaySchedule schedule = DecaySchedule.custom(0.5, 1 - 1.0 / 3000);
    assertThat(schedule.logDecay().of(0)).isEqualTo(-0.6931471805599453);
    assertThat(schedule.name()).isEqualTo("custom");
    for (double gamma : new double[] {0, -0.1, 1.1, Double.NaN}) {
      refuses(() -> DecaySchedule.custom(0.5, gamma), "(0,1]", "head 1", "" + gamma);
    }
    refuses(DecaySchedule::custom, "1 to 1000", "got 0");
    refuses(() -> DecaySchedule.custom((double[]) null), "gammas, got null");
    refuses(() -> new DecaySchedule("none", null), "log decays, got null");
    refuses(() -> new DecaySchedule(null, schedule.logDecay()), "name, got null");
    // No schedule is no wish for the usual one.
    refuses(() -> RetentionConfig.builder(64, 2).decay(null), "decay, got null");
    assertThat(DecaySchedule.custom(1).logDecay().of(0)).isZero();
  }

  @Test
  void schedulesCheckTheirHeads() {
    for (int heads : new int[] {0, -1, 1001}) {
      refuses(() -> DecaySchedule.pow2(heads), "got " + heads);
      refuses(() -> DecaySchedule.linspace(heads), "got " + heads);
    }
    assertThat(DecaySchedule.pow2(1000).heads()).isEqualTo(1000);
    assertThat(DecaySchedule.linspace(1000).heads()).isEqualTo(1000);
  }

  @Test
  void constantLogDecay() {
    double[] values = {-1, -2};
    LogDecay.PerHead decay = (LogDecay.PerHead) LogDecay.perHead(values);
    values[0] = -9;
    decay.values()[1] = -9;
    assertThat(decay.values()).containsExactly(-1, -2);
    assertThat(decay.heads()).isEqualTo(2);
    assertThat(decay)
        .isEqualTo(LogDecay.perHead(-1, -2))
        .hasSameHashCodeAs(LogDecay.perHead(-1, -2));
    assertThat(decay).isNotEqualTo(LogDecay.perHead(-1, -3)).isNotEqualTo("");
    assertThat(decay.hashCode()).isNotEqualTo(LogDecay.perHead(-1, -3).hashCode());
    assertThat(decay).hasToString("LogDecay.perHead[-1.0, -2.0]");
    assertThat(((LogDecay.PerHead) LogDecay.perHead(0)).of(0)).isZero();
    for (double g : new double[] {1, Double.NaN, Double.NEGATIVE_INFINITY}) {
      refuses(() -> LogDecay.perHead(-1, g), "head 1", "" + g);
    }
  }

  @Test
  void tokenLogDecay() {
    refuses(() -> LogDecay.perToken(Nd4j.zeros(2, 3)), "(B,T,H)", "[2, 3]");
    refuses(() -> LogDecay.perToken(Nd4j.zeros(2, 3, 4, 5)), "(B,T,H)", "[2, 3, 4, 5]");
    refuses(() -> LogDecay.perToken(Nd4j.zeros(DataType.INT32, 2, 3, 4)), "INT");
    refuses(() -> LogDecay.perToken(Nd4j.zeros(DataType.HALF, 2, 3, 4)), "HALF");
    LogDecay.perToken(Nd4j.zeros(DataType.FLOAT, 2, 3, 4));
  }

  @Test
  void frequencies() {
    assertThat(Rotation.FLA.frequencies(4)).containsExactly(1, 0.01);
    assertThat(Rotation.TORCHSCALE.frequencies(4)).containsExactly(1, 1e-4);
    assertThat(Rotation.TORCHSCALE.frequencies(6)).containsExactly(1, 0.01, 1e-4);
    assertThat(Rotation.TORCHSCALE.frequencies(2)).containsExactly(1);
    assertThat(Rotation.FLA.active()).isTrue();
    assertThat(Rotation.NONE.active()).isFalse();
    refuses(() -> Rotation.FLA.frequencies(5), "even", "got 5");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void rotationChecksItsBase(double base) {
    refuses(
        () -> new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, base), "base", "" + base);
  }

  @Test
  void formsCheckTheirSizes() {
    refuses(() -> new ChunkwiseForm(0), "chunk", "got 0");
    refuses(() -> new ChunkwiseForm(-3), "chunk", "got -3");
    refuses(() -> new ParallelForm(0), "block", "got 0");
    assertThat(new ChunkwiseForm(1).chunk()).isEqualTo(1);
    assertThat(new ParallelForm(1).block()).isEqualTo(1);
    assertThat(new ChunkwiseForm()).isEqualTo(new ChunkwiseForm(ChunkwiseForm.DEFAULT_CHUNK));
    assertThat(new ParallelForm()).isEqualTo(new ParallelForm(ParallelForm.DEFAULT_BLOCK));
    assertThat(new RecurrentForm()).isEqualTo(new RecurrentForm());
    assertThat(new RecurrentForm().name()).isEqualTo("recurrent");
    assertThat(new ParallelForm().name()).isEqualTo("parallel");
    assertThat(new ChunkwiseForm().name()).isEqualTo("chunkwise");
  }

  /**
   * Micro-batches cover a sequence, hold at least a token, and those of chunks are whole chunks.
   */
  @Test
  void microBatchesCoverSequences() {
    for (int tokens : new int[] {0, 1, 64, 511, 512, 513, 1000, 1025, 8192}) {
      assertThat(new ParallelForm(7).microBatches().tokens(tokens)).isEqualTo(Math.max(1, tokens));
      assertThat(new RecurrentForm().microBatches().tokens(tokens))
          .isEqualTo(Math.max(1, Math.min(tokens, 512)));
      for (int chunk : new int[] {1, 7, 64, 600}) {
        int tokensOfOne = new ChunkwiseForm(chunk).microBatches().tokens(tokens);
        assertThat(tokensOfOne).isPositive();
        if (tokens <= 512) {
          assertThat(tokensOfOne).isEqualTo(Math.max(1, tokens));
        } else {
          assertThat(tokensOfOne % chunk).isZero();
          assertThat(tokensOfOne).isLessThan(512 + chunk);
        }
      }
    }
    // 1025 tokens: three micro-batches of 342, rounded up to chunks of 64.
    assertThat(new ChunkwiseForm(64).microBatches().tokens(1025)).isEqualTo(384);
  }
}
