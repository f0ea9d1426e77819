package org.retention4j.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;

/** Sources on texts whose tokens are their own places, so that each tells where it is from. */
class BatchSourcesTest {
  static Stream<Arguments> shapes() {
    List<Arguments> shapes = new ArrayList<>();
    for (int length : new int[] {1, 7, 63, 65}) {
      for (int rows : new int[] {1, 3}) {
        for (int tokens : new int[] {length + 1, 3 * length + 2, 2_000}) {
          shapes.add(Arguments.of(rows, length, tokens));
        }
      }
    }
    return shapes.stream();
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void whatComesAtAPositionDoesNotDependOnTheWay(int rows, int length, int tokens) {
    TokenText text = tokens == 2 ? places(tokens, 0) : places(tokens, 0, tokens / 3, tokens / 2);
    for (BatchSource source :
        List.of(
            new TokenStreams(text, rows, length, 2, 0.25, 5),
            new PackedDocuments(text, rows, length, 5))) {
      List<Batch> all = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        assertThat(source.position()).isEqualTo(i);
        all.add(source.next());
      }
      for (int i = 199; i >= 0; i -= 7) {
        source.seek(i);
        assertSame(source.next(), all.get(i));
        assertThat(source.position()).isEqualTo(i + 1);
      }
      for (Batch batch : all) {
        assertThat(batch.rows()).isEqualTo(rows);
        assertThat(batch.length()).isEqualTo(length);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void noTargetCrossesADocument(int rows, int length, int tokens) {
    TokenText text = tokens == 2 ? places(tokens, 0) : places(tokens, 0, tokens / 3, tokens / 2);
    for (BatchSource source :
        List.of(
            new TokenStreams(text, rows, length, 2, 0, 1),
            new PackedDocuments(text, rows, length, 1))) {
      for (int i = 0; i < 100; i++) {
        requireHonest(source.next(), text);
      }
    }
  }

  /** A target is the token behind; what begins a document is a start; what is not, goes on. */
  private static void requireHonest(Batch batch, TokenText text) {
    for (int b = 0; b < batch.rows(); b++) {
      for (int t = 0; t < batch.length(); t++) {
        int token = batch.tokens()[b][t];
        int target = batch.targets()[b][t];
        boolean begins = t == 0 ? batch.fresh()[b] : batch.starts().at(b, t);
        if (target != Batch.UNLABELLED) {
          assertThat(target).isEqualTo(token + 1);
          assertThat(isStart(text, target)).isFalse();
          assertThat(begins || !isStart(text, token)).isTrue();
        }
        boolean padding = target == Batch.UNLABELLED && token == 0;
        if (t > 0 && !begins && !padding) {
          assertThat(token).isEqualTo(batch.tokens()[b][t - 1] + 1);
        }
      }
    }
  }

  @Test
  void streamsGoOnUnlessTheyAreFresh() {
    TokenStreams streams = new TokenStreams(places(50_001, 0), 4, 10, 1, 1.0 / 16, 3);
    Batch before = streams.next();
    assertThat(before.fresh()).containsOnly(true);
    int fresh = 0;
    int jumps = 0;
    for (int i = 1; i < 2_000; i++) {
      Batch batch = streams.next();
      for (int b = 0; b < 4; b++) {
        boolean goesOn = batch.tokens()[b][0] == before.tokens()[b][9] + 1;
        assertThat(goesOn || batch.fresh()[b]).isTrue();
        fresh += batch.fresh()[b] ? 1 : 0;
        jumps += goesOn ? 0 : 1;
      }
      before = batch;
    }
    // One row of 64 begins a piece, and of the others one of 16 is fresh.
    assertThat(jumps / 7_996.0).isBetween(0.014, 0.017);
    assertThat(fresh / 7_996.0).isBetween(0.06, 0.09);
  }

  /** The batches of a step are streams of their own, each of which goes on in the next step. */
  @Test
  void batchesOfAStepAreStreamsOfTheirOwn() {
    TokenStreams streams = new TokenStreams(places(50_001, 0), 2, 10, 3, 0, 3);
    Batch[] before = {streams.next(), streams.next(), streams.next()};
    for (int i = 3; i < 3 * 64; i++) {
      Batch batch = streams.next();
      for (int b = 0; b < 2; b++) {
        assertThat(batch.tokens()[b][0]).isEqualTo(before[i % 3].tokens()[b][9] + 1);
        assertThat(batch.fresh()[b]).isFalse();
      }
      before[i % 3] = batch;
    }
    for (int i = 0; i < 3; i++) {
      assertThat(streams.next().fresh()).containsOnly(true);
    }
  }

  /** In a round over the text each piece is read once. */
  @Test
  void streamsReadEachSegmentOnceARound() {
    int rows = 2;
    int length = 5;
    int tokens = 16 * length + 1;
    TokenStreams streams = new TokenStreams(places(tokens, 0), rows, length, 1, 0, 9);
    for (int round = 0; round < 3; round++) {
      BitSet seen = new BitSet();
      for (int i = 0; i < 8; i++) {
        for (int[] row : streams.next().tokens()) {
          for (int token : row) {
            assertThat(seen.get(token)).isFalse();
            seen.set(token);
          }
        }
      }
      assertThat(seen.cardinality()).isEqualTo(16 * length);
    }
  }

  @Test
  void ordersDifferBySeedAndByRound() {
    TokenText text = places(10_001, 0);
    TokenStreams one = new TokenStreams(text, 1, 10, 1, 0, 1);
    TokenStreams other = new TokenStreams(text, 1, 10, 1, 0, 2);
    int[] firsts = new int[30];
    int[] others = new int[30];
    int[] later = new int[30];
    // 1000 segments in 4 pieces of 64 rows a row would be 15 pieces of 64: 960 a round.
    for (int i = 0; i < 30; i++) {
      one.seek(64L * i);
      other.seek(64L * i);
      firsts[i] = one.next().tokens()[0][0];
      others[i] = other.next().tokens()[0][0];
      one.seek(64L * (i + 15));
      later[i] = one.next().tokens()[0][0];
    }
    assertThat(others).isNotEqualTo(firsts);
    assertThat(later).isNotEqualTo(firsts);
  }

  @Test
  void documentsArePackedWholeAndOnceARound() {
    int[] starts = {0, 4, 5, 12, 30, 33, 40};
    TokenText text = places(60, starts);
    PackedDocuments packed = new PackedDocuments(text, 1, 8, 11);
    BitSet labelled = new BitSet();
    int rows = 0;
    while (labelled.cardinality() < 60 - starts.length) {
      Batch batch = packed.next();
      rows++;
      assertThat(batch.fresh()).containsOnly(true);
      for (int t = 0; t < 8; t++) {
        if (batch.targets()[0][t] != Batch.UNLABELLED) {
          assertThat(labelled.get(batch.tokens()[0][t])).isFalse();
          labelled.set(batch.tokens()[0][t]);
        }
      }
    }
    // 53 labels: 3 and 6 and 2 tokens, 17 and 19 in pieces of 8, 6 of another; 7 rows at least.
    assertThat(rows).isBetween(7, 9);
    assertThat(packed.padding()).isCloseTo(1 - 53.0 / (8 * rows), within());
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.api.Assertions.within(1e-12);
  }

  @Test
  void heldOutWindowsCoverTheTextOnce() {
    TokenText text = places(68, 0, 20);
    HeldOutWindows windows = new HeldOutWindows(text, 3, 10, 1_000);
    assertThat(windows.batches()).isEqualTo(3);
    BitSet seen = new BitSet();
    for (int i = 0; i < windows.batches(); i++) {
      Batch batch = windows.batch(i);
      requireHonest(batch, text);
      assertThat(batch.fresh()).containsOnly(true);
      for (int b = 0; b < 3; b++) {
        for (int t = 0; t < 10; t++) {
          if (batch.targets()[b][t] != Batch.UNLABELLED) {
            seen.set(batch.targets()[b][t]);
          }
        }
      }
    }
    BitSet expected = new BitSet();
    expected.set(1, 68);
    expected.clear(20);
    assertThat(seen).isEqualTo(expected);
  }

  @Test
  void heldOutWindowsAreSpreadWhereFewerAreWanted() {
    HeldOutWindows windows = new HeldOutWindows(places(1_001, 0), 2, 10, 40);
    assertThat(windows.batches()).isEqualTo(2);
    int[] begins =
        IntStream.range(0, 4).map(i -> windows.batch(i / 2).tokens()[i % 2][0]).toArray();
    assertThat(begins).containsExactly(0, 250, 500, 750);
    assertThat(new HeldOutWindows(places(1, 0), 2, 10, 40).batches()).isZero();
    assertThat(new HeldOutWindows(places(5, 0), 1, 10, 40).batch(0).labelled()).isEqualTo(4);
  }

  @Test
  void whatCannotBeIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenStreams(places(64, 0), 1, 64, 1, 0, 1))
        .withMessage(
            "expected a text of at least 65 tokens, a row of 64 and its last target, got 64");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenStreams(places(64, 0), 1, 4, 1, 1.5, 1))
        .withMessage("expected a share of fresh rows in 0..1, got 1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenStreams(places(64, 0), 0, 4, 1, 0, 1))
        .withMessage("expected batches of at least 1 row of at least 1 token, got 0 rows of 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenStreams(places(64, 0), 1, 4, 1, 0, 1).seek(-1))
        .withMessage("expected a position of at least 0, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PackedDocuments(places(2, 0, 1), 1, 4, 1))
        .withMessage("expected a document of at least 2 tokens, got 2 documents of fewer");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TokenText.of(new int[3], new int[] {0, 3}, 3))
        .withMessageStartingWith("expected starts of documents that ascend from 0 within 3 tokens");
  }

  private static void assertSame(Batch got, Batch expected) {
    assertThat(got.tokens()).isDeepEqualTo(expected.tokens());
    assertThat(got.targets()).isDeepEqualTo(expected.targets());
    assertThat(got.fresh()).isEqualTo(expected.fresh());
    assertThat(got.starts()).isEqualTo(expected.starts());
  }

  private static boolean isStart(TokenText text, int token) {
    return text.start(text.firstFrom(token)) == token && token < text.count();
  }

  /** Tokens 0, 1, 2, …; starts that fall together are one. */
  private static TokenText places(int count, int... starts) {
    int[] tokens = IntStream.range(0, count).toArray();
    return TokenText.of(tokens, IntStream.of(starts).distinct().toArray(), count);
  }
}
