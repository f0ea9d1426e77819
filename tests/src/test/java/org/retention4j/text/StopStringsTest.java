package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  @Test
  void withoutStopStringsAllGoesThrough() {
    StopStrings s = new StopStrings(List.of());
    assertThat(s.accept("abc")).isEqualTo("abc");
    assertThat(s.flush()).isEmpty();
    assertThat(s.stopped()).isFalse();
  }

  @Test
  void stopsAcrossPieces() {
    StopStrings s = new StopStrings(List.of("END"));
    assertThat(s.accept("text E")).isEqualTo("text ");
    assertThat(s.accept("N")).isEmpty();
    assertThat(s.stopped()).isFalse();
    assertThat(s.accept("D more")).isEmpty();
    assertThat(s.stopped()).isTrue();
    assertThat(s.accept("more")).isEmpty();
    assertThat(s.flush()).isEmpty();
  }

  @Test
  void givesBackWhatTurnsOutToBeNoStop() {
    StopStrings s = new StopStrings(List.of("aab"));
    assertThat(s.accept("a")).isEmpty();
    assertThat(s.accept("a")).isEmpty();
    // "aaa": the first a is certain, the other two may begin the stop string.
    assertThat(s.accept("a")).isEqualTo("a");
    assertThat(s.accept("c")).isEqualTo("aac");
    assertThat(s.accept("xa")).isEqualTo("x");
    assertThat(s.flush()).isEqualTo("a");
    assertThat(s.flush()).isEmpty();
    assertThat(s.stopped()).isFalse();
    // What was given out begins nothing any more.
    assertThat(s.accept("ab")).isEqualTo("ab");
    assertThat(s.accept("aab")).isEmpty();
    assertThat(s.stopped()).isTrue();
  }

  @Test
  void theFirstCompleteOneCountsAndTheLongerOfTwo() {
    StopStrings s = new StopStrings(List.of("abcd", "bc", "xbc"));
    assertThat(s.accept("--abcd")).isEqualTo("--a");
    assertThat(s.stopped()).isTrue();
    StopStrings t = new StopStrings(List.of("bc", "xbc"));
    assertThat(t.accept("-xbc")).isEqualTo("-");
    StopStrings u = new StopStrings(List.of("ab", "bc"));
    assertThat(u.accept("abc")).isEmpty();
    assertThat(u.stopped()).isTrue();
  }

  @Test
  void refusesAnEmptyOne() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StopStrings(List.of("a", "")))
        .withMessageContaining("empty");
  }

  @Test
  void aSpecialTokensTextStandsForTheToken() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268)) {
      assertThat(StopStrings.specialTokens(List.of("</s>", "hi", "s>"), t)).containsExactly(2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> StopStrings.specialTokens(List.of("x", "</s>\n"), t))
          .withMessageContainingAll("'</s>\n'", "'</s>'", "token 2");
    }
    assertThat(StopStrings.specialTokens(List.of("</s>"), new ByteTokenizer(256))).isEmpty();
  }

  @Test
  void breaksBetweenPiecesMakeNoDifference() {
    SplittableRandom random = new SplittableRandom(9);
    for (int round = 0; round < 3000; round++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(3); i >= 0; i--) {
        stops.add(letters(random, 1 + random.nextInt(5)));
      }
      String text = letters(random, 30);
      StopStrings s = new StopStrings(stops);
      StringBuilder out = new StringBuilder();
      for (int from = 0; from < text.length(); ) {
        int to = Math.min(text.length(), from + 1 + random.nextInt(4));
        out.append(s.accept(text.substring(from, to)));
        from = to;
      }
      out.append(s.flush());
      String expected = upToStop(text, stops);
      assertThat(out.toString()).as("%s in %s", stops, text).isEqualTo(expected);
      assertThat(s.stopped()).isEqualTo(expected.length() < text.length());
    }
  }

  private static String letters(SplittableRandom random, int length) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < length; i++) {
      b.append((char) ('a' + random.nextInt(2)));
    }
    return b.toString();
  }

  private static String upToStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String begin = text.substring(0, end);
      int longest = stops.stream().filter(begin::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return text.substring(0, end - longest);
      }
    }
    return text;
  }
}
