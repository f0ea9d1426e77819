package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

/** Half precision against its definition, over every pattern of bits. */
class HalfPrecisionTest {
  private static double value(int bits) {
    int exponent = (bits >> 10) & 31;
    int mantissa = bits & 1023;
    double magnitude =
        exponent == 31
            ? mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN
            : exponent == 0
                ? mantissa * Math.pow(2, -24)
                : (1024 + mantissa) * Math.pow(2, exponent - 25);
    return (bits & 0x8000) == 0 ? magnitude : -magnitude;
  }

  @Test
  void widensAndNarrowsEveryPattern() {
    for (int bits = 0; bits < 65536; bits++) {
      float wide = Float16.toFloat((short) bits);
      double expected = value(bits);
      if (Double.isNaN(expected)) {
        assertThat(wide).isNaN();
        // Quiet, with as many bits of its payload as fit.
        assertThat(Float16.fromFloat(wide)).isEqualTo((short) (bits | 0x200));
      } else {
        assertThat((double) wide).isEqualTo(expected);
        assertThat(Float16.fromFloat(wide)).isEqualTo((short) bits);
      }
    }
  }

  /** Between two neighbours: the half goes to the even one, the rest to the nearer. */
  @Test
  void roundsToNearestEven() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      BigDecimal low = new BigDecimal(value(bits));
      BigDecimal high = new BigDecimal(value(bits + 1));
      float middle = low.add(high).divide(BigDecimal.valueOf(2)).floatValue();
      int even = bits % 2 == 0 ? bits : bits + 1;
      assertThat((int) Float16.fromFloat(middle)).isEqualTo(even);
      assertThat((int) Float16.fromFloat(Math.nextUp(middle))).isEqualTo(bits + 1);
      assertThat((int) Float16.fromFloat(Math.nextDown(middle))).isEqualTo(bits);
      assertThat(Float16.fromFloat(-middle)).isEqualTo((short) (even | 0x8000));
    }
    assertThat(Float16.fromFloat(65519.996f)).isEqualTo((short) 0x7bff);
    assertThat(Float16.fromFloat(65520f)).isEqualTo((short) 0x7c00);
    assertThat(Float16.fromFloat(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xfc00);
    assertThat(Float16.fromFloat(-1e-30f)).isEqualTo((short) 0x8000);
  }
}
