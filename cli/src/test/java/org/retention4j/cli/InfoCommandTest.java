package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What info counts, against numbers worked out by hand. */
class InfoCommandTest {
  /** Golden hybrid: 2 attention layers of 2 key/value heads of 16, 128 numbers per token. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 8,192 | 4.19 MB in fp32, 2.10 MB in bf16",
        "--length 1000 | 1,000 | 512.00 kB in fp32, 256.00 kB in bf16",
        "--length 1 | 1 | 512 B in fp32, 256 B in bf16",
        "--length 10000000000 | 10,000,000,000 | 5.12 TB in fp32, 2.56 TB in bf16"
      })
  void countsACacheAtALength(String option, String length, String expected) {
    String out = ok(("info " + golden("fla-hybrid") + " " + option).strip()).out();
    assertThat(out.lines().filter(line -> line.startsWith("cache at ")))
        .singleElement()
        .asString()
        .contains("cache at " + length)
        .endsWith(expected);
    assertThat(out).contains(length + " tokens (fp32)");
  }

  /** 2 layers of 2 heads of K 32 and V 64, in fp32; 64·97·2 + 64 and two layers of weights. */
  @Test
  void countsStateAndParameters() {
    String out = ok("info " + golden("fla-f32")).out();
    assertThat(out).contains("32.77 kB in fp32").doesNotContain("\ncache at");
    int layer = 8 * 64 * 64 + 64 + 3 * 64 * 96 + 2 * 64;
    assertThat(out).contains(String.format(Locale.ROOT, "%,d", 2 * layer + 2 * 64 * 97 + 64));
  }

  @Test
  void refusesALengthThatIsNone() {
    refuses("info --length -1 " + golden("fla-hybrid"), "--length >= 0, got -1");
    refuses("info --length x " + golden("fla-hybrid"), "--length");
  }
}
