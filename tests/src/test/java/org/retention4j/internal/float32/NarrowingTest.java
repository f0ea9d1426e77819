package org.retention4j.internal.float32;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.internal.vector.VectorKernels;

/** Each provider's rounding to bf16. */
class NarrowingTest {
  private final Random random = new Random(1);

  private static Kernels kernels(ComputeRoute route) {
    return route == ComputeRoute.PLAIN ? new PlainKernels() : new VectorKernels();
  }

  /** Against rounding to the nearest multiple of a unit, in double. */
  @ParameterizedTest
  @EnumSource
  void narrowing(ComputeRoute provider) {
    Kernels kernels = kernels(provider);
    for (int n : new int[] {0, 1, 7, 15, 16, 17, 63, 64, 65, 515}) {
      float[] x = new float[n + 5];
      short[] to = new short[n + 3];
      Arrays.fill(to, (short) 77);
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) Math.scalb(random.nextGaussian(), random.nextInt(200) - 100);
      }
      kernels.narrow(x, 2, to, n);
      for (int i = 0; i < n; i++) {
        double ulp = Math.scalb(1.0, Math.getExponent(x[2 + i]) - 7);
        assertThat((double) Bfloat16.toFloat(to[i])).isEqualTo(Math.rint(x[2 + i] / ulp) * ulp);
      }
      assertThat(to[n]).isEqualTo((short) 77);
    }
  }

  @ParameterizedTest
  @EnumSource
  void narrowingKeepsWhatIsNoNumber(ComputeRoute provider) {
    float tie = Float.intBitsToFloat(0x3f808000);
    float otherTie = Float.intBitsToFloat(0x3f818000);
    float[] x = new float[64];
    Arrays.fill(x, 1);
    float[] odd = {
      Float.intBitsToFloat(0x7fffffff),
      Float.intBitsToFloat(0x7f800001),
      Float.intBitsToFloat(0xffffffff),
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MAX_VALUE,
      -0f,
      tie,
      otherTie,
      Float.MIN_VALUE
    };
    System.arraycopy(odd, 0, x, 20, odd.length);
    short[] to = new short[64];
    kernels(provider).narrow(x, 0, to, 64);
    float[] back = new float[64];
    kernels(provider).widen(to, 0, back, 64);
    assertThat(back[19]).isEqualTo(1);
    assertThat(back[20]).isNaN();
    assertThat(back[21]).isNaN();
    assertThat(back[22]).isNaN();
    assertThat(back[23]).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(back[24]).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(back[25]).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Float.floatToRawIntBits(back[26])).isEqualTo(0x80000000);
    assertThat(back[27]).isEqualTo(1); // to the even one
    assertThat(back[28]).isEqualTo(Float.intBitsToFloat(0x3f820000));
    assertThat(back[29]).isEqualTo(0);
  }

  /** In rows of numbers only: those with a NaN take another way. */
  @ParameterizedTest
  @EnumSource
  void tiesGoToTheEvenOne(ComputeRoute provider) {
    float[] x = new float[64];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.intBitsToFloat(0x3f808000 + (i << 16));
    }
    short[] to = new short[64];
    kernels(provider).narrow(x, 0, to, 64);
    for (int i = 0; i < x.length; i++) {
      double ulp = Math.scalb(1.0, Math.getExponent(x[i]) - 7);
      assertThat((double) Bfloat16.toFloat(to[i])).isEqualTo(Math.rint(x[i] / ulp) * ulp);
    }
  }
}
