package org.retention4j.core.form;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How sequences are cut: about 512 rows at once, whole chunks, few sizes. */
class MicroBatchesTest {
  private static final MicroBatches CHUNKS = new MicroBatches(64);

  /** As few as hold 512 tokens each, equally long, rounded up to whole chunks. */
  @ParameterizedTest
  @CsvSource({
    "64, 0, 1",
    "64, 1, 1",
    "64, 511, 511",
    "64, 512, 512", // one
    "64, 513, 320",
    "64, 1024, 512", // two of 257, of 512
    "64, 1025, 384",
    "7, 1025, 343", // three of 342
    "512, 513, 512",
    "1000, 2500, 1000" // no less than a chunk
  })
  void areAboutEquallyLong(int multiple, int tokens, int expected) {
    assertThat(new MicroBatches(multiple).tokens(tokens)).isEqualTo(expected);
  }

  /** Rows share 512 in steps of 64, of which each has one at least. */
  @ParameterizedTest
  @CsvSource({
    "512, 1, 512",
    "512, 2, 256",
    "512, 3, 128",
    "512, 4, 128",
    "512, 9, 64",
    "512, 600, 64",
    "1025, 1, 384",
    "1025, 2, 256",
    "100, 2, 100",
    "7, 64, 7",
    "0, 1, 1"
  })
  void shareRowsAmongSequences(int longest, int batch, int expected) {
    assertThat(CHUNKS.tokens(longest, batch)).isEqualTo(expected);
  }

  @Test
  void wholeSequencesAreNeverCut() {
    assertThat(MicroBatches.WHOLE.tokens(3000)).isEqualTo(3000);
    assertThat(MicroBatches.WHOLE.tokens(3000, 4)).isEqualTo(3000);
    assertThat(MicroBatches.WHOLE.tokens(0)).isEqualTo(1);
    assertThat(MicroBatches.WHOLE.tokens(0, 4)).isEqualTo(1);
  }

  /** Powers of two up to 8, then steps of a quarter of one, of 4 to 64. */
  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "1, 1",
    "2, 2",
    "3, 4",
    "4, 4",
    "5, 8",
    "8, 8",
    "9, 12",
    "16, 16",
    "17, 20",
    "33, 40",
    "57, 64",
    "64, 64",
    "65, 80",
    "128, 128",
    "129, 160",
    "257, 320",
    "512, 512",
    "513, 576"
  })
  void boundSizesAreFew(int tokens, int expected) {
    assertThat(MicroBatches.bound(tokens)).isEqualTo(expected);
  }

  /** The finer cut, unless one of both wants a sequence whole. */
  @Test
  void suitBoth() {
    MicroBatches fine = new MicroBatches(7);
    assertThat(fine.and(CHUNKS)).isEqualTo(fine);
    assertThat(CHUNKS.and(fine)).isEqualTo(fine);
    assertThat(CHUNKS.and(CHUNKS)).isEqualTo(CHUNKS);
    assertThat(MicroBatches.WHOLE.and(fine)).isEqualTo(MicroBatches.WHOLE);
    assertThat(fine.and(MicroBatches.WHOLE)).isEqualTo(MicroBatches.WHOLE);
  }

  @Test
  void refuseAMultipleBelowOne() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MicroBatches(0))
        .withMessageContaining("got 0");
    assertThat(new MicroBatches(1).tokens(1025)).isEqualTo(342);
  }
}
