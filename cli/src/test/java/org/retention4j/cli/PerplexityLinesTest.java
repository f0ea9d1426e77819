package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A file of lines is scored as its lines are one by one. */
class PerplexityLinesTest {
  private static final List<String> LINES =
      List.of(
          "HALF A LEAGUE, HALF A LEAGUE,",
          "!",
          "HALF A LEAGUE ONWARD,",
          "ALL IN THE VALLEY OF DEATH RODE THE SIX HUNDRED. FORWARD, THE LIGHT BRIGADE! ".repeat(8),
          "AB",
          " ");

  @TempDir private Path folder;

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String scored(String out) {
    return out.substring(0, out.indexOf("; session"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fla-f32", "fla-hybrid", "torchscale-f32"})
  void eachLineIsATextOfItsOwn(String name) throws IOException {
    String start = "perplexity --tokens --compute float64 --model " + golden(name) + " ";
    List<String> expected = new ArrayList<>();
    double loss = 0;
    for (int i = 0; i < LINES.size(); i++) {
      Path alone = file("line" + i, bytes(LINES.get(i)));
      if (LINES.get(i).length() > 1) {
        List<String> out = ok(start + alone).out().lines().toList();
        expected.addAll(out.subList(0, out.size() - 1));
      }
    }
    for (String score : expected) {
      loss -= Double.parseDouble(score) / expected.size();
    }
    List<String> out =
        ok(start + "--lines " + file("lines", bytes(String.join("\n", LINES))))
            .out()
            .lines()
            .toList();
    assertThat(out.subList(0, out.size() - 1)).isEqualTo(expected);
    String summary = out.get(out.size() - 1);
    assertThat(summary).startsWith("6 lines, " + expected.size() + " tokens scored, mean loss ");
    assertThat(Double.parseDouble(summary.replaceFirst(".*mean loss ([0-9.]+) .*", "$1")))
        .isCloseTo(loss, within(2e-6));
  }

  /** Whatever ends lines, and however many are empty; a byte order mark is no letter. */
  @Test
  void linesAreWhatAnEditorShows() throws IOException {
    String start = "perplexity --lines --tokens --model " + golden("fla-f32") + " ";
    String expected = scored(ok(start + file("a", bytes("ONE TWO\nTHREE\n"))).out());
    assertThat(expected).contains("2 lines, 10 tokens scored");
    for (String text :
        List.of("ONE TWO\r\nTHREE\r\n", "\n\nONE TWO\n\r\n\nTHREE", "\uFEFFONE TWO\rTHREE")) {
      assertThat(scored(ok(start + file("b", bytes(text))).out())).isEqualTo(expected);
    }
    assertThat(scored(ok(start + file("c", bytes("THREE\nONE TWO"))).out())).isNotEqualTo(expected);
  }

  /** More lines than are given to the scorer at once. */
  @Test
  void aLongFileIsReadPieceByPiece() throws IOException {
    String start = "perplexity --lines --model " + golden("fla-f32") + " ";
    String once = ok(start + file("once", bytes("FORWARD, THE LIGHT\nBRIGADE\n"))).out();
    String often =
        ok(start + file("often", bytes("FORWARD, THE LIGHT\nBRIGADE\n".repeat(3000)))).out();
    assertThat(often).startsWith("6,000 lines, 69,000 tokens scored");
    assertThat(often.replaceFirst(".*perplexity ([0-9.]{6}).*", "$1"))
        .isEqualTo(once.replaceFirst(".*perplexity ([0-9.]{6}).*", "$1"));
  }

  @Test
  void whatIsNoTextOfLinesIsRefused() throws IOException {
    String start = "perplexity --lines --model " + golden("fla-f32") + " ";
    refuses(
        start + file("short", bytes("A\nB\n\n")),
        "expected a line of at least 2 tokens, got 2 lines of fewer in");
    refuses(start + file("empty", bytes("\n\n")), "got 0 lines of fewer in");
    refuses(start + file("no", new byte[] {'A', 'B', '\n', (byte) 0xff}), "expected UTF-8 in");
    refuses(start + folder.resolve("none"), "expected a text, got none");
    String hybrid = "perplexity --lines --cache-limit 9 --model " + golden("fla-hybrid") + " ";
    refuses(
        hybrid + file("ten", bytes("ABC\n0123456789\n")), "expected at most 9 tokens of a text");
    assertThat(ok(hybrid + file("nine", bytes("ABC\n012345678\n"))).out()).contains("10 tokens");
  }
}
