package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.retention4j.core.Resets;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;

/** What packed rows leave behind in a session, and what they are refused for. */
class PackedSessionTest extends SessionFixture {
  /** A mark is returned to bit for bit, and what stood beside it is given up. */
  @Test
  void isTakenBack() {
    for (DecoderConfig config : List.of(config(false), config(true), twoLayers())) {
      LanguageModel model = model(config, WeightType.FLOAT32, 4);
      SessionOptions options =
          SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(2000));
      Resets resets = Resets.cumulative(new int[] {0, 30, 300, 340});
      try (Session session = model.newSession(1, options);
          Session witness = model.newSession(1, options)) {
        long all = session.room(0);
        session.append(text(1, 300));
        witness.append(text(1, 300));
        long held = session.bytes();
        for (int round = 0; round < 2; round++) {
          try (Session.Mark mark = session.mark()) {
            session.appendPacked(new int[][] {text(2, 340)}, resets);
            float[] behind = logits(session, 0);
            try (Session.Mark second = session.mark()) {
              session.appendPacked(new int[][] {text(3, 340)}, resets);
              session.append(text(4, 50));
              session.rollback(second);
            }
            assertThat(logits(session, 0)).isEqualTo(behind);
            assertThat(session.position(0)).isEqualTo(40);
            assertThat(session.room(0)).isEqualTo(all - 40);
            session.rollback(mark);
            assertThat(logits(session, 0)).isEqualTo(logits(witness, 0));
            assertThat(session.position(0)).isEqualTo(300);
          }
        }
        assertThat(session.bytes()).isEqualTo(held);
        session.append(text(5, 70));
        witness.append(text(5, 70));
        assertThat(logits(session, 0)).isEqualTo(logits(witness, 0));
      }
    }
  }

  /** A mark that closes without being returned to frees what only it needed. */
  @Test
  void aClosedMarkHoldsNothing() {
    LanguageModel model = model(twoLayers(), WeightType.FLOAT32, 4);
    Resets resets = Resets.cumulative(new int[] {0, 3, 9});
    try (Session session = model.newSession()) {
      session.append(text(1, 5));
      long held = session.bytes();
      try (Session.Mark mark = session.mark()) {
        session.appendPacked(new int[][] {text(2, 9)}, resets);
        assertThat(session.bytes()).isGreaterThan(held);
      }
      session.appendPacked(new int[][] {text(3, 9)}, resets);
      assertThat(session.bytes()).isEqualTo(held);
    }
  }

  /** What is not a number stays in its own sequence. */
  @Test
  void aResetLeavesNothingBehind() {
    for (DecoderConfig config : List.of(config(false), config(true), twoLayers())) {
      LanguageModel model = model(config, WeightType.FLOAT32, 5);
      int[] text = text(7, 40);
      float[] alone = alone(model, text);
      int[] row = IntStream.concat(IntStream.of(text(8, 20)), IntStream.of(text)).toArray();
      try (Session session = model.newSession()) {
        session.append(text(9, 90));
        session.appendPacked(new int[][] {row}, Resets.cumulative(new int[] {0, 20, 60}));
        assertClose(logits(session, 0), alone);
      }
    }
  }

  private static void refuses(Session session, ThrowingCallable call, String message) {
    long position = session.position(0);
    float[] before = logits(session, 0);
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
    assertThat(session.position(0)).isEqualTo(position);
    assertThat(logits(session, 0)).isEqualTo(before);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    LanguageModel model = model(twoLayers(), WeightType.FLOAT32, 6);
    KvCacheOptions ten = KvCacheOptions.DEFAULT.withMaxTokens(10);
    Resets two = Resets.cumulative(new int[] {0, 4, 8});
    try (Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(ten))) {
      session.append(text(1, 6));
      int[][] row = {text(2, 8)};
      refuses(session, () -> session.appendPacked(row, null), "expected resets, got null");
      refuses(session, () -> session.appendPacked(row, two, null), "expected a listener to logits");
      refuses(session, () -> session.appendPacked(null, two), "expected 1 rows of tokens");
      refuses(
          session,
          () -> session.appendPacked(new int[][] {text(2, 9)}, two),
          "expected resets for B = 1 rows of T = 9 tokens, got 1 rows of 8");
      refuses(
          session,
          () -> session.appendPacked(new int[][] {{1, 2, 61, 3, 4, 5, 6, 7}}, two),
          "got 61 in row 0");
      refuses(
          session,
          () ->
              session.appendPacked(
                  new int[][] {text(2, 14)}, Resets.cumulative(new int[] {0, 3, 14})),
          "expected sequences of at most 10 tokens, the cache's limit, got 11 after the reset"
              + " before token 3 of row 0");
      boolean[] late = new boolean[8];
      late[5] = true;
      refuses(
          session,
          () -> session.appendPacked(row, Resets.mask(new boolean[][] {late})),
          "expected at most 10 tokens in row 0, the cache's limit, got 11");
      session.appendPacked(row, two);
      assertThat(session.position(0)).isEqualTo(4);
    }
  }

  /** Ten rows of ten tokens fit a cache of ten: resets need no room for all of them. */
  @Test
  void aCacheHoldsTheLongestSequenceAlone() {
    LanguageModel model = model(twoLayers(), WeightType.FLOAT32, 6);
    KvCacheOptions ten = KvCacheOptions.DEFAULT.withMaxTokens(10);
    int[] starts = IntStream.rangeClosed(0, 10).map(i -> 10 * i).toArray();
    try (Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(ten))) {
      session.appendPacked(new int[][] {text(1, 100)}, Resets.cumulative(starts));
      assertThat(session.position(0)).isEqualTo(10);
      assertThat(session.room(0)).isZero();
    }
  }
}
