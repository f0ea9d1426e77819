package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.nn.WeightSource;

/**
 * A stack as streaming speaker diarization has it, over 10 hours of 10 frames a second: memory
 * stays what it was, and fp32 stays at float64.
 */
@Tag("slow")
class TenHoursOfFramesTest {
  private static final int D = 64;
  private static final int FRAMES = 10 * 3600 * 10;
  private static final int PIECE = 36_000;

  /** Of outputs at the end of the day, relative, see docs/numerics.md. */
  private static final double BOUND = 5e-6;

  static List<Engine> engines() {
    return List.of(Engines.plain(), Engines.vector());
  }

  private static DecoderStack stack(Engine engine) {
    // fp32 numbers in both: only the arithmetic differs.
    WeightSource drawn = WeightSource.random(engine, WeightType.FLOAT32, 7);
    return DecoderStack.of(Stacks.diarisation(D, 4, 2), drawn);
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("engines")
  void staysExactAndSmall(Engine engine) {
    try (DecoderStack stack = stack(engine);
        DecoderStack exact = stack(Engines.float64());
        FrameSession session = stack.newSession();
        FrameSession reference = exact.newSession()) {
      SplittableRandom random = new SplittableRandom(1);
      float[] frame = new float[D];
      float[] out = new float[D];
      float[] expected = new float[D];
      double worst = 0;
      long bytes = 0;
      long live = 0;
      double difference = 0;
      double size = 0;
      for (int t = 1; t <= FRAMES; t++) {
        for (int i = 0; i < D; i++) {
          frame[i] = (float) (0.5 + random.nextGaussian());
        }
        session.step(frame, out);
        reference.step(frame, expected);
        if (t % PIECE > PIECE - 100 || t % PIECE == 0) {
          for (int i = 0; i < D; i++) {
            difference += Math.pow(out[i] - expected[i], 2);
            size += Math.pow(expected[i], 2);
          }
        }
        if (t % PIECE == 0) {
          double error = Math.sqrt(difference / size);
          worst = Math.max(worst, error);
          difference = 0;
          size = 0;
          if (bytes == 0) {
            bytes = session.bytes();
            live = HeldMemory.liveBytes();
          }
          assertThat(session.bytes()).isEqualTo(bytes);
          assertThat(HeldMemory.liveBytes()).isEqualTo(live);
        }
      }
      assertThat(session.position(0)).isEqualTo(FRAMES);
      assertThat(worst).isLessThanOrEqualTo(BOUND);
    }
  }
}
