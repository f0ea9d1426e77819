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
        "'' | 8,192 | 4.19 MB | 2.10 MB",
        "--length 1000 | 1,000 | 512.00 kB | 256.00 kB",
        "--length 1 | 1 | 512 B | 256 B",
        "--length 1000000000 | 1,000,000,000 | 512.00 GB | 256.00 GB"
      })
  void countsACacheAtALength(String option, String length, String wide, String narrow) {
    String out = ok(("info " + golden("fla-hybrid") + " " + option).strip()).out();
    assertThat(out.lines().filter(line -> line.startsWith("cache at ")))
        .singleElement()
        .asString()
        .contains("cache at " + length, wide + " in fp32", narrow + " in bf16");
  }

  /** 64·97·2 + 64, and two layers of D 64 and I 96. */
  @Test
  void countsParameters() {
    int layer = 8 * 64 * 64 + 64 + 3 * 64 * 96 + 2 * 64;
    assertThat(ok("info " + golden("fla-f32")).out())
        .contains(String.format(Locale.ROOT, "%,d", 2 * layer + 2 * 64 * 97 + 64))
        .doesNotContain("\ncache at");
  }

  @Test
  void refusesALengthThatIsNone() {
    refuses("info --length -1 " + golden("fla-hybrid"), "--length >= 0, got -1");
    refuses("info --length x " + golden("fla-hybrid"), "--length");
  }
}
