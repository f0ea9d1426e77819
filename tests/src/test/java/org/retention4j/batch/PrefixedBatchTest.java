package org.retention4j.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.cache.PrefixCacheOptions;
import org.retention4j.cache.PrefixCacheStats;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.LanguageModel;

/** Prompts of which a beginning was read before get what they get where nothing was. */
class PrefixedBatchTest extends BatchFixture {
  private static final GenerationOptions TWENTY = GenerationOptions.DEFAULT.withMaxTokens(20);
  private static final PrefixCacheOptions PIECES = PrefixCacheOptions.DEFAULT.withPiece(64);
  private static final BatchOptions WITH =
      BatchOptions.DEFAULT.withSequences(6).withPrefixes(Optional.of(PIECES));

  /** Two that part after 300 tokens, and the beginning of both. */
  private static final int[] FIRST = joined(text(1, 300), text(2, 33));

  private static final int[] SECOND = joined(text(1, 300), text(3, 40));
  private static final int[] START = text(1, 256);

  private static int[] joined(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  private Heard run(ContinuousBatch batch, int[] prompt) throws Exception {
    Heard heard = new Heard();
    batch.submit(BatchRequest.of(prompt, TWENTY), heard);
    heard.generation();
    return heard;
  }

  private Generation cold(LanguageModel of, int[] prompt) throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(of, tokenizer, WITH)) {
      Heard heard = run(batch, prompt);
      assertThat(heard.cached).isZero();
      return heard.generation();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void warmIsColdToTheBit(boolean float64) throws Exception {
    LanguageModel of = float64 ? exact : model;
    try (ContinuousBatch batch = new ContinuousBatch(of, tokenizer, WITH)) {
      run(batch, FIRST);
      run(batch, SECOND);
      for (int[] prompt : List.of(FIRST, SECOND, START, joined(text(1, 300), text(4, 50)))) {
        Heard warm = run(batch, prompt);
        assertThat(warm.cached).isPositive();
        assertThat(warm.generation()).isEqualTo(cold(of, prompt));
        if (float64) {
          assertThat(warm.generation()).isEqualTo(alone(of, prompt, TWENTY));
        }
      }
      PrefixCacheStats stats = batch.prefixStats().orElseThrow();
      assertThat(stats.hits()).isEqualTo(3);
      assertThat(stats.partialHits()).isEqualTo(1);
      assertThat(stats.misses()).isEqualTo(2);
    }
  }

  @Test
  void tellsWhatWasKnown() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, WITH)) {
      assertThat(run(batch, FIRST).cached).isZero();
      assertThat(run(batch, FIRST).cached).isEqualTo(333);
      // Stored were the last whole piece, 320, and the end; both are beyond where they part.
      assertThat(run(batch, SECOND).cached).isZero();
      // What is common to both, 300, in whole pieces: stored as the place where they part.
      assertThat(run(batch, joined(text(1, 300), text(4, 50))).cached).isEqualTo(256);
      PrefixCacheStats stats = batch.prefixStats().orElseThrow();
      assertThat(stats.tokensSaved()).isEqualTo(333 + 256);
      assertThat(stats.tokensRead()).isEqualTo(333 + 340 + 94);
      assertThat(batch.counts().promptTokens()).isEqualTo(333 + 340 + 94);
      assertThat(stats.bytes()).isPositive();
    }
    try (ContinuousBatch batch =
        new ContinuousBatch(model, tokenizer, WITH.withPrefixes(Optional.empty()))) {
      assertThat(batch.prefixStats()).isEmpty();
      run(batch, FIRST);
      assertThat(run(batch, FIRST).cached).isZero();
    }
  }

  /** Never the other's state: two with one beginning that end differently, over and over. */
  @Test
  void servesNobodyElsesState() throws Exception {
    List<int[]> prompts = new ArrayList<>(List.of(FIRST, SECOND, START));
    int[] changed = FIRST.clone();
    changed[0] = (changed[0] + 1) % VOCABULARY;
    prompts.add(changed);
    prompts.add(Arrays.copyOf(FIRST, 332));
    prompts.add(joined(FIRST, new int[] {5}));
    List<Generation> expected = new ArrayList<>();
    for (int[] prompt : prompts) {
      expected.add(alone(exact, prompt, TWENTY));
    }
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, WITH)) {
      for (int round = 0; round < 3; round++) {
        List<Heard> heard = new ArrayList<>();
        for (int[] prompt : prompts) {
          Heard each = new Heard();
          heard.add(each);
          batch.submit(BatchRequest.of(prompt, TWENTY), each);
        }
        for (int i = 0; i < prompts.size(); i++) {
          assertThat(heard.get(i).generation()).as("prompt " + i).isEqualTo(expected.get(i));
        }
      }
      assertThat(batch.prefixStats().orElseThrow().hits()).isGreaterThanOrEqualTo(6);
    }
  }

  /** What goes on from a state is not looked for, nor kept. */
  @Test
  void promptsBehindAStateAreReadWhole() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, WITH)) {
      Heard start = new Heard();
      batch.submit(BatchRequest.of(text(9, 70), TWENTY.withMaxTokens(0)).kept(), start);
      PrefixCacheStats before;
      try (var state = start.state()) {
        before = batch.prefixStats().orElseThrow();
        for (int i = 0; i < 2; i++) {
          Heard on = new Heard();
          batch.submit(BatchRequest.of(FIRST, TWENTY).from(state, text(9, 70)), on);
          assertThat(on.generation()).isEqualTo(behind(text(9, 70)));
          assertThat(on.cached).isZero();
        }
      }
      assertThat(batch.prefixStats().orElseThrow()).isEqualTo(before);
    }
  }

  private Generation behind(int[] start) {
    try (var session = exact.newSession()) {
      session.append(start);
      return new org.retention4j.generate.Generator(tokenizer)
          .generate(session, FIRST, TWENTY, piece -> {});
    }
  }

  @Test
  void staysWithinItsBytes() throws Exception {
    PrefixCacheOptions small = PIECES.withMostBytes(60_000);
    try (ContinuousBatch batch =
        new ContinuousBatch(model, tokenizer, WITH.withPrefixes(Optional.of(small)))) {
      for (int i = 0; i < 12; i++) {
        run(batch, text(i, 100));
      }
      PrefixCacheStats stats = batch.prefixStats().orElseThrow();
      assertThat(stats.bytes()).isBetween(1L, 60_000L);
      assertThat(stats.evictions()).isPositive();
    }
  }

  @Test
  void refusesPiecesThatTheFormCannotCut() {
    BatchOptions odd = WITH.withPrefixes(Optional.of(PIECES.withPiece(100)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ContinuousBatch(model, tokenizer, odd))
        .withMessage(
            "expected a prefix cache with pieces of a multiple of 64 tokens, where the form for"
                + " prefill may be cut, got 100");
    assertThat(BatchOptions.DEFAULT.withPrefixBytes(0).prefixes()).isEmpty();
    assertThat(BatchOptions.DEFAULT.withPrefixBytes(7).prefixes().orElseThrow().mostBytes())
        .isEqualTo(7);
  }
}
