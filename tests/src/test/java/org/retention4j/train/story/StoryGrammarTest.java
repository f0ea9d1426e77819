package org.retention4j.train.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.retention4j.train.story.PlainStories.Reading;

/** The grammar against {@link PlainStories}, which knows its sentences and shares no code. */
class StoryGrammarTest {
  private static final StoryGrammar GRAMMAR = StoryGrammar.SMALL;

  @Test
  void entropyIsThatOfAllChoicesCountedOneByOne() {
    double bits = PlainStories.entropy();
    double bytes = PlainStories.meanLength();
    assertThat(GRAMMAR.bitsPerStory()).isCloseTo(bits, within(1e-11));
    assertThat(GRAMMAR.bytesPerStory()).isCloseTo(bytes, within(1e-11));
    assertThat(GRAMMAR.bitsPerByte()).isCloseTo(bits / bytes, within(1e-13));
  }

  /** Five standard errors; the seed is fixed. */
  @Test
  void improbabilityOfTextAveragesToTheEntropy() {
    int count = 20_000;
    double[] bits = new double[count];
    double[] excess = new double[count];
    for (int i = 0; i < count; i++) {
      String story = GRAMMAR.story(3, i);
      bits[i] = PlainStories.readings(story).get(0).bits();
      excess[i] = bits[i] - GRAMMAR.bitsPerByte() * story.length();
    }
    assertThat(mean(bits)).isCloseTo(GRAMMAR.bitsPerStory(), within(5 * standardError(bits)));
    assertThat(mean(excess)).isCloseTo(0, within(5 * standardError(excess)));
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  private static double standardError(double[] values) {
    double mean = mean(values);
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    return Math.sqrt(squares / values.length / values.length);
  }

  /** Stories end where a line does, so a text can be cut into stories in one way only. */
  @Test
  void everyStoryCanBeReadInOneWayOnly() {
    for (int i = 0; i < 5_000; i++) {
      String story = GRAMMAR.story(7, i);
      assertThat(PlainStories.readings(story)).as(story).hasSize(1);
      assertThat(story.indexOf('\n')).as(story).isEqualTo(story.length() - 1);
      assertThat(story).isASCII().hasSizeBetween(100, 250);
    }
  }

  @Test
  void wordsComeAsOftenAsTheyShould() {
    int count = 20_000;
    Map<String, Long> people =
        java.util.stream.IntStream.range(0, count)
            .mapToObj(i -> PlainStories.readings(GRAMMAR.story(11, i)).get(0))
            .map(Reading::first)
            .collect(
                java.util.stream.Collectors.groupingBy(
                    name -> name, java.util.stream.Collectors.counting()));
    double sigma = Math.sqrt(count * 3 / 16.0 * 13 / 16.0);
    assertThat((double) people.get("Anna")).isCloseTo(count * 3 / 16.0, within(5 * sigma));
    assertThat((double) people.get("Hugo")).isCloseTo(count / 16.0, within(5 * sigma));
  }

  @Test
  void textIsTheStoriesOfItsSeed() {
    String three = GRAMMAR.story(5, 0) + GRAMMAR.story(5, 1) + GRAMMAR.story(5, 2);
    for (int bytes : List.of(0, 1, three.length() - 1, three.length())) {
      String text = new String(GRAMMAR.text(5, bytes), StandardCharsets.US_ASCII);
      assertThat(text).isEqualTo(three.substring(0, bytes));
    }
  }

  /** So that a text that was made once can be made again. */
  @Test
  void storiesStayWhatTheyAre() {
    assertThat(GRAMMAR.story(1, 0))
        .isEqualTo(
            "In the park, Hugo sees Clara. Hugo has a white map, Clara has a yellow drum."
                + " Clara gives Hugo the drum. It is warm. Now Hugo has the map and the drum.\n");
    assertThat(GRAMMAR.story(1, 1)).isNotEqualTo(GRAMMAR.story(2, 0));
  }

  @Test
  void negativeLengthIsRefused() {
    assertThatThrownBy(() -> GRAMMAR.text(1, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected bytes >= 0, got -1");
  }
}
