package org.retention4j.train.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.train.evaluate.NGramLadder.Rung;
import org.retention4j.train.story.StoryGrammar;

class NGramLadderTest {
  /**
   * By hand. In "abaac" there are 3 a, 1 b, 1 c: 5 bytes, 3 different. So p0(a) = (3 + 3/256)/8,
   * p0(b) = p0(c) = (1 + 3/256)/8, p0(x) = (3/256)/8. Behind a come b, a, c, each once: p1(b|a) =
   * (1 + 3 p0(b))/6. Behind b comes a: p1(a|b) = (1 + p0(a))/2. Behind c comes nothing: p1(·|c) =
   * p0.
   */
  @Test
  void aSmallTextComesOutAsByHand() {
    double a = (3 + 3 / 256.0) / 8;
    double b = (1 + 3 / 256.0) / 8;
    double x = 3 / 256.0 / 8;
    NGramLadder ladder = NGramLadder.measure(bytes("abaac"), bytes("abacx"), 1);
    assertThat(ladder.rungs()).extracting(Rung::order).containsExactly(0, 1);
    assertThat(ladder.rungs().get(0).bpb()).isCloseTo(bits(a, b, a, b, x) / 5, within(1e-12));
    double afterA = (1 + 3 * b) / 6;
    double afterB = (1 + a) / 2;
    assertThat(ladder.rungs().get(1).bpb())
        .isCloseTo(bits(a, afterA, afterB, afterA, x) / 5, within(1e-12));
  }

  private static double bits(double... probabilities) {
    double bits = 0;
    for (double p : probabilities) {
      bits -= Math.log(p) / Math.log(2);
    }
    return bits;
  }

  /** Whatever byte comes, all 256 share one whole: behind a context that is known, rare, new. */
  @ParameterizedTest
  @ValueSource(strings = {"Anna has", "They swa", "It is zz", "\u00FF\u00FE\u00FD", ""})
  void probabilitiesOfWhatComesNextSumToOne(String context) {
    byte[] training = StoryGrammar.SMALL.text(1, 20_000);
    byte[] before = context.getBytes(StandardCharsets.ISO_8859_1);
    double[] sums = new double[NGramLadder.HIGHEST_ORDER + 1];
    double[] bitsBefore = new double[sums.length];
    if (before.length > 0) {
      bitsBefore = totals(training, before);
    }
    for (int next = 0; next < 256; next++) {
      byte[] heldOut = java.util.Arrays.copyOf(before, before.length + 1);
      heldOut[before.length] = (byte) next;
      double[] bits = totals(training, heldOut);
      for (int order = 0; order < sums.length; order++) {
        sums[order] += Math.pow(2, bitsBefore[order] - bits[order]);
      }
    }
    for (double sum : sums) {
      assertThat(sum).isCloseTo(1, within(1e-11));
    }
  }

  private static double[] totals(byte[] training, byte[] heldOut) {
    return NGramLadder.measure(training, heldOut, NGramLadder.HIGHEST_ORDER).rungs().stream()
        .mapToDouble(rung -> rung.bpb() * heldOut.length)
        .toArray();
  }

  /** Bytes of every value, so that none is taken for another, and enough for tables to grow. */
  @Test
  void everyOrderIsThatOfPlainCounting() {
    Random random = new Random(4);
    byte[] training = new byte[30_000];
    byte[] heldOut = new byte[400];
    for (byte[] text : List.of(training, heldOut)) {
      for (int i = 0; i < text.length; i++) {
        int byteBefore = i == 0 ? 0 : text[i - 1];
        text[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : 7 * byteBefore + 128);
      }
    }
    PlainNGrams plain = new PlainNGrams(training);
    NGramLadder ladder = NGramLadder.measure(training, heldOut, NGramLadder.HIGHEST_ORDER);
    assertThat(ladder.rungs()).hasSize(8);
    for (Rung rung : ladder.rungs()) {
      assertThat(rung.bpb()).isCloseTo(plain.bpb(heldOut, rung.order()), within(1e-11));
    }
  }

  @Test
  void untrainedLadderNeedsEightBits() {
    NGramLadder ladder = NGramLadder.measure(new byte[0], bytes("anything"), 2);
    assertThat(ladder.rungs()).extracting(Rung::bpb).containsOnly(8.0);
    assertThat(ladder.best()).isEqualTo(new Rung(0, 8.0));
  }

  /** Stories need memory: counting stays a tenth of a bit above their entropy. */
  @Test
  void countingDoesNotReachTheEntropyOfStories() {
    StoryGrammar stories = StoryGrammar.SMALL;
    NGramLadder ladder =
        NGramLadder.measure(stories.text(1, 3_000_000), stories.text(2, 100_000), 7);
    assertThat(ladder.best().bpb()).isGreaterThan(stories.bitsPerByte() + 0.1).isLessThan(1);
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    assertThatThrownBy(() -> NGramLadder.measure(bytes("a"), new byte[0], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected at least one byte held out, got none");
    assertThatThrownBy(() -> NGramLadder.measure(bytes("a"), bytes("a"), 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected an order in 0...7, got 8");
    assertThatThrownBy(() -> NGramLadder.measure(null, bytes("a"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected a training text, got null");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
