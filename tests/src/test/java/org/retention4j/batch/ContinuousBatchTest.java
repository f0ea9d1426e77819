package org.retention4j.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.generate.Generation;
import org.retention4j.generate.Generation.End;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.Snapshot;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.text.SamplingOptions;

/** Sequences that come and go get what they get alone. */
class ContinuousBatchTest extends BatchFixture {
  private static final BatchOptions SMALL =
      BatchOptions.DEFAULT.withSequences(5).withWaiting(100).withPromptTokens(40);

  /** Long enough to be there until it is cancelled. */
  private static final GenerationOptions LONG = GenerationOptions.DEFAULT.withMaxTokens(1_000_000);

  private static GenerationOptions options(SplittableRandom random) {
    SamplingOptions sampling =
        random.nextInt(3) == 0
            ? SamplingOptions.DEFAULT.withRepetitionPenalty(1.3)
            : new SamplingOptions(0.8, 30, 0.95, 1.1, random.nextLong());
    return GenerationOptions.DEFAULT
        .withMaxTokens(random.nextInt(0, 60))
        .withSampling(sampling)
        .withStopTokens(Set.of(random.nextInt(VOCABULARY)))
        .withStopStrings(List.of("" + (char) ('a' + random.nextInt(26))));
  }

  /** Joins and leaves at random, more than there are places; prompts of many pieces, and of one. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void eachGetsToTheBitWhatItGetsAlone(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    List<BatchRequest> requests = new ArrayList<>();
    List<Heard> heard = new ArrayList<>();
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, SMALL)) {
      for (int i = 0; i < 30; i++) {
        int[] prompt = text(random.nextLong(), random.nextInt(4) == 0 ? 1 : random.nextInt(1, 300));
        requests.add(BatchRequest.of(prompt, options(random)));
        heard.add(new Heard());
        batch.submit(requests.get(i), heard.get(i));
        Thread.sleep(random.nextInt(20));
      }
      for (int i = 0; i < requests.size(); i++) {
        Generation alone = alone(exact, requests.get(i).prompt(), requests.get(i).options());
        assertThat(heard.get(i).generation()).as("sequence " + i).isEqualTo(alone);
        assertThat(heard.get(i).text()).isEqualTo(alone.text());
        assertThat(heard.get(i).tokens).isEqualTo(alone.tokens());
      }
      assertThat(batch.counts().writing()).isZero();
      assertThat(batch.counts().taken()).isEqualTo(30);
    }
  }

  @Test
  void theLikeliestTokensAreThoseOfOneAloneInFp32() throws Exception {
    List<Heard> heard = new ArrayList<>();
    GenerationOptions options = GenerationOptions.DEFAULT.withMaxTokens(25);
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, SMALL.withSequences(12))) {
      for (int i = 0; i < 12; i++) {
        heard.add(new Heard());
        batch.submit(BatchRequest.of(text(i, 1 + 17 * i), options), heard.get(i));
      }
      for (int i = 0; i < 12; i++) {
        assertThat(heard.get(i).generation().tokens())
            .isEqualTo(alone(model, text(i, 1 + 17 * i), options).tokens());
      }
    }
  }

  /** As after a call of append and a resume, whatever else is in the batch. */
  @Test
  void goesOnFromAStateAndKeepsIt() throws Exception {
    GenerationOptions ten = GenerationOptions.DEFAULT.withMaxTokens(10);
    int[] first = text(1, 77);
    int[] more = text(2, 33);
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, SMALL);
        Session alone = exact.newSession()) {
      Heard other = new Heard();
      batch.submit(BatchRequest.of(text(9, 20), ten.withMaxTokens(300)), other);
      Heard read = new Heard();
      batch.submit(BatchRequest.of(first, ten.withMaxTokens(0)).kept(), read);
      assertThat(read.state().position(0)).isEqualTo(77);
      assertThat(read.generation().tokens()).isEmpty();
      Heard written = new Heard();
      batch.submit(BatchRequest.of(more, ten).from(read.state(), first).kept(), written);
      alone.append(first);
      Generation expected = new Generator(tokenizer).generate(alone, more, ten, piece -> {});
      assertThat(written.generation()).isEqualTo(expected);
      assertThat(written.state().position(0)).isEqualTo(77 + 33 + 10);
      alone.step(expected.tokens().get(9));
      float[] logits = new float[VOCABULARY];
      alone.logits(0, logits);
      try (Session restored = exact.restore(written.state(), SessionOptions.DEFAULT)) {
        float[] got = new float[VOCABULARY];
        restored.logits(0, got);
        assertThat(got).isEqualTo(logits);
      }
      Heard again = new Heard();
      BatchRequest none =
          new BatchRequest(Optional.of(written.state()), first, new int[0], ten, false);
      batch.submit(none, again);
      Generation on = new Generator(tokenizer).resume(alone, first, ten, piece -> {});
      assertThat(again.generation()).isEqualTo(on);
      other.generation();
      read.state().close();
      written.state().close();
    }
  }

  @Test
  void aTokenThatStopsIsNotKept() throws Exception {
    int[] prompt = text(1, 20);
    GenerationOptions ten = GenerationOptions.DEFAULT.withMaxTokens(10);
    int fourth = alone(exact, prompt, ten).tokens().get(3);
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, SMALL)) {
      Heard heard = new Heard();
      batch.submit(BatchRequest.of(prompt, ten.withStopTokens(Set.of(fourth))).kept(), heard);
      int chosen = heard.generation().tokens().size();
      assertThat(heard.generation().end()).isEqualTo(End.STOP_TOKEN);
      assertThat(heard.state().position(0)).isEqualTo(20 + chosen - 1);
      heard.state().close();
    }
  }

  @Test
  void endsWhoIsCancelledAndKeepsItsState() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, SMALL.withSequences(1))) {
      Heard writes = new Heard();
      BatchTicket ticket = batch.submit(BatchRequest.of(text(1, 5), LONG).kept(), writes);
      Heard waits = new Heard();
      BatchTicket second = batch.submit(BatchRequest.of(text(1, 5), LONG).kept(), waits);
      writes.awaitFirst();
      second.cancel();
      assertThat(waits.generation().end()).isEqualTo(End.CANCELLED);
      assertThat(waits.tokens).isEmpty();
      ticket.cancel();
      Generation generation = writes.generation();
      assertThat(generation.end()).isEqualTo(End.CANCELLED);
      assertThat(writes.state().position(0)).isEqualTo(5 + generation.tokens().size());
      writes.state().close();
      Heard reads = new Heard();
      BatchTicket third = batch.submit(BatchRequest.of(text(1, 200_000), LONG), reads);
      third.cancel();
      assertThat(reads.generation().end()).isEqualTo(End.CANCELLED);
    }
  }

  @Test
  void refusesMoreThanMayWait() throws Exception {
    BatchOptions two = SMALL.withSequences(2).withWaiting(1);
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, two)) {
      List<Heard> heard = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        heard.add(new Heard());
        batch.submit(BatchRequest.of(text(i, 5), LONG), heard.get(i));
      }
      heard.get(0).awaitFirst();
      heard.get(1).awaitFirst();
      assertThatExceptionOfType(BatchFullException.class)
          .isThrownBy(() -> batch.submit(BatchRequest.of(text(1, 5), LONG), new Heard()))
          .withMessage("expected at most 1 sequences that wait for one of 2 places, got 2");
      assertThat(batch.counts().waiting()).isEqualTo(1);
      while (batch.counts().writing() < 2) {
        Thread.onSpinWait();
      }
      assertThat(batch.counts().refused()).isEqualTo(1);
      batch.close();
      for (Heard each : heard) {
        assertThat(each.generation().end()).isEqualTo(End.CANCELLED);
      }
    }
  }

  /** One place, and none to wait: whoever is told of an end may come at once. */
  @Test
  void whoIsToldOfAnEndFindsThePlaceFree() throws Exception {
    BatchOptions one = SMALL.withSequences(1).withWaiting(0);
    GenerationOptions few = GenerationOptions.DEFAULT.withMaxTokens(3);
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, one)) {
      List<Heard> heard = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        heard.add(new Heard());
      }
      for (int i = 0; i < 19; i++) {
        int next = i + 1;
        heard
            .get(i)
            .end
            .thenRun(
                () -> batch.submit(BatchRequest.of(text(next, 1 + next), few), heard.get(next)));
      }
      batch.submit(BatchRequest.of(text(0, 1), few), heard.get(0));
      for (Heard each : heard) {
        assertThat(each.generation().tokens()).hasSize(3);
      }
      assertThat(batch.counts().refused()).isZero();
      assertThat(batch.counts().tokens()).isEqualTo(60);
    }
  }

  @Test
  void aShortPromptDoesNotWaitForALongOne() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, SMALL)) {
      Heard slow = new Heard();
      BatchTicket ticket = batch.submit(BatchRequest.of(text(1, 500_000), LONG), slow);
      Heard quick = new Heard();
      batch.submit(BatchRequest.of(text(2, 100), LONG.withMaxTokens(30)), quick);
      assertThat(quick.generation().tokens()).hasSize(30);
      assertThat(slow.tokens).isEmpty();
      ticket.cancel();
    }
  }

  @Test
  void stopsWhenAllHaveEnded() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, SMALL)) {
      Heard heard = new Heard();
      batch.submit(BatchRequest.of(text(1, 5), LONG.withMaxTokens(50)), heard);
      assertThat(batch.stop(Duration.ofSeconds(60))).isTrue();
      assertThat(heard.generation().tokens()).hasSize(50);
      assertThat(batch.open()).isFalse();
      assertThatIllegalStateException()
          .isThrownBy(() -> batch.submit(BatchRequest.of(text(1, 5), LONG), new Heard()))
          .withMessage("this batch takes no sequences any more");
    }
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, SMALL)) {
      Heard heard = new Heard();
      batch.submit(BatchRequest.of(text(1, 5), LONG), heard);
      assertThat(batch.stop(Duration.ofMillis(20))).isFalse();
      batch.close();
      assertThat(heard.generation().end()).isEqualTo(End.CANCELLED);
    }
  }

  @Test
  void oneThatFailsLeavesTheOthers() throws Exception {
    SessionOptions cached =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(60));
    LayerConfig all = new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(1, all));
    try (LanguageModel attends = LanguageModel.random(wide, config, WeightType.FLOAT32, 4);
        ContinuousBatch batch =
            new ContinuousBatch(attends, tokenizer, SMALL.withSession(cached))) {
      Heard full = new Heard();
      batch.submit(BatchRequest.of(text(1, 50), LONG), full);
      Heard tooLong = new Heard();
      batch.submit(BatchRequest.of(text(1, 70), LONG), tooLong);
      BatchListener throwing =
          new BatchListener() {
            @Override
            public void token(int token, double logProbability, String text, float[] logits) {
              throw new IllegalStateException("full");
            }

            @Override
            public void ended(Generation generation, String rest, Optional<Snapshot> state) {}

            @Override
            public void failed(Throwable failure) {
              throw new IllegalStateException("again", failure);
            }
          };
      batch.submit(BatchRequest.of(text(1, 9), LONG), throwing);
      assertThat(full.generation().end()).isEqualTo(End.CACHE_FULL);
      assertThat(full.generation().tokens()).hasSize(11);
      assertThat(tooLong.end)
          .failsWithin(Duration.ofSeconds(60))
          .withThrowableThat()
          .withMessageContaining("expected at most 60 tokens");
      Heard after = new Heard();
      batch.submit(BatchRequest.of(text(3, 9), LONG.withMaxTokens(9)), after);
      assertThat(after.generation()).isEqualTo(alone(attends, text(3, 9), LONG.withMaxTokens(9)));
    }
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BatchRequest.of(new int[0], LONG))
        .withMessage("expected a prompt of at least 1 token, got none");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withSequences(0))
        .withMessage("expected sequences >= 1, got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withWaiting(-1))
        .withMessage("expected waiting >= 0, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withPromptTokens(0))
        .withMessage("expected promptTokens >= 1, got 0");
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, SMALL)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> batch.submit(BatchRequest.of(new int[] {128}, LONG), new Heard()))
          .withMessage("expected tokens in 0..127, the vocabulary, got 128");
    }
  }
}
