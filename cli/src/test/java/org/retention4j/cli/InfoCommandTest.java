package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.util.List;
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

  /**
   * Golden hybrid: layers 0 and 2 retain, K 32, V 64, 97 tokens. By hand: capacity 2048/(2 ln 97) =
   * 223.836; ln(223.836·(1 − (31/32)²))/2 = 1.3106 and ln(223.836·(1 − (63/64)²))/2 = 0.9679,
   * divided by −ln γ = 0.0317487 and 0.0157484.
   */
  @Test
  void saysWhatHeadsRemember() {
    List<String> lines = ok("info " + golden("fla-hybrid")).out().lines().toList();
    int at = 0;
    while (!lines.get(at).startsWith("memory of layer")) {
      at++;
    }
    assertThat(lines.get(at)).contains(" 0,2; an estimate");
    assertThat(lines.get(at + 1)).contains("capacity 223.8 pairs");
    assertThat(lines.get(at + 3).strip().split(" +"))
        .containsExactly("0", "0.96875", "21.8", "41.3");
    assertThat(lines.get(at + 4).strip().split(" +"))
        .containsExactly("1", "0.984375", "44.0", "61.5");
    assertThat(lines).hasSize(at + 5);
  }

  /** Schedules of one kind are one table, whichever layers have them. */
  @Test
  void saysItOncePerSchedule() {
    String out = ok("info " + golden("fla-bf16")).out();
    assertThat(out.lines().filter(line -> line.startsWith("memory of layer")))
        .singleElement()
        .asString()
        .contains(" 0-2; ");
  }

  @Test
  void refusesALengthThatIsNone() {
    refuses("info --length -1 " + golden("fla-hybrid"), "--length >= 0, got -1");
    refuses("info --length x " + golden("fla-hybrid"), "--length");
  }
}
