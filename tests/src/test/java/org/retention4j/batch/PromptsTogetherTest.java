package org.retention4j.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.generate.Generation;
import org.retention4j.generate.Generation.End;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.Snapshot;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.recurrent.RecurrentForm;

/** Prompts that come together are read together, and each is as if it had come alone. */
class PromptsTogetherTest extends BatchFixture {
  private static final int[] LENGTHS = {1, 7, 63, 65, 200, 6, 8, 64, 1, 66};
  private static final GenerationOptions TWENTY = GenerationOptions.DEFAULT.withMaxTokens(20);
  private static final GenerationOptions ONE = GenerationOptions.DEFAULT.withMaxTokens(1);
  private static final GenerationOptions LONG = GenerationOptions.DEFAULT.withMaxTokens(1_000_000);
  private static final BatchOptions TWELVE =
      BatchOptions.DEFAULT.withSequences(12).withPromptTokens(600);

  private enum Kind {
    RETENTION,
    ATTENTION,
    HYBRID
  }

  private static DecoderConfig config(Kind kind) {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention = new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU);
    return switch (kind) {
      case RETENTION -> DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(2, retention));
      case ATTENTION -> DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(2, attention));
      case HYBRID -> config();
    };
  }

  private static void submit(ContinuousBatch batch, List<Heard> heard, int... lengths)
      throws InterruptedException {
    try (Blocker blocker = Blocker.of(batch)) {
      for (int i = 0; i < lengths.length; i++) {
        heard.add(new Heard());
        batch.submit(BatchRequest.of(text(i, lengths[i]), TWENTY), heard.get(i));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void eachGetsToTheBitWhatItGetsAlone(Kind kind) throws Exception {
    try (LanguageModel of = LanguageModel.random(wide, config(kind), WeightType.FLOAT32, 4);
        ContinuousBatch batch = new ContinuousBatch(of, tokenizer, TWELVE)) {
      List<Heard> heard = new ArrayList<>();
      submit(batch, heard, LENGTHS);
      for (int i = 0; i < LENGTHS.length; i++) {
        assertThat(heard.get(i).generation())
            .as("a prompt of " + LENGTHS[i])
            .isEqualTo(alone(of, text(i, LENGTHS[i]), TWENTY));
      }
    }
  }

  @Test
  void theLikeliestTokensAreThoseOfOneAloneInFp32() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, TWELVE)) {
      List<Heard> heard = new ArrayList<>();
      submit(batch, heard, LENGTHS);
      for (int i = 0; i < LENGTHS.length; i++) {
        assertThat(heard.get(i).generation().tokens())
            .isEqualTo(alone(model, text(i, LENGTHS[i]), TWENTY).tokens());
      }
    }
  }

  /** One has no room in the cache, one is given another model's state. */
  @Test
  void whoIsRefusedLeavesTheOthers() throws Exception {
    SessionOptions cached =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(63));
    try (LanguageModel of =
            LanguageModel.random(wide, config(Kind.ATTENTION), WeightType.FLOAT32, 4);
        ContinuousBatch batch = new ContinuousBatch(of, tokenizer, TWELVE.withSession(cached));
        Session others = exact.newSession()) {
      others.append(text(1, 5));
      List<Heard> heard = new ArrayList<>();
      Heard foreign = new Heard();
      try (Snapshot snapshot = others.snapshot(0);
          Blocker blocker = Blocker.of(batch)) {
        for (int length : new int[] {62, 61, 64, 63, 60}) {
          Heard each = new Heard();
          heard.add(each);
          batch.submit(BatchRequest.of(text(length, length), ONE), each);
        }
        batch.submit(BatchRequest.of(text(1, 63), TWENTY).from(snapshot, text(1, 5)), foreign);
        blocker.close();
        assertFails(foreign, "expected a snapshot of this model");
      }
      assertFails(heard.remove(2), "expected at most 63 tokens");
      for (Heard each : heard) {
        assertThat(each.generation().tokens()).hasSize(1);
      }
      assertThat(heard.get(0).generation()).isEqualTo(alone(of, text(62, 62), ONE));
    }
  }

  private static void assertFails(Heard heard, String message) {
    assertThatThrownBy(() -> heard.end.get(60, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining(message);
  }

  private static SessionOptions failing(FailingForm form) {
    return new SessionOptions(form, new RecurrentForm(), false, KvCacheOptions.DEFAULT);
  }

  /** What three have read of their prompts then is not read again. */
  @Test
  void aCallThatFailsBetweenTwoOfItsPartsEndsThoseItWasFor() throws Exception {
    AtomicInteger gaps = new AtomicInteger();
    BatchOptions options = TWELVE.withSession(failing(new FailingForm(new AtomicInteger(), gaps)));
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, options)) {
      List<Heard> heard = new ArrayList<>();
      try (Blocker blocker = Blocker.of(batch)) {
        for (int i = 0; i < 3; i++) {
          heard.add(new Heard());
          batch.submit(BatchRequest.of(text(i, 200), TWENTY), heard.get(i));
        }
        gaps.set(1);
      }
      for (Heard each : heard) {
        assertFails(each, FailingForm.MESSAGE);
      }
      Heard after = new Heard();
      batch.submit(BatchRequest.of(text(5, 200), TWENTY), after);
      assertThat(after.generation()).isEqualTo(alone(exact, text(5, 200), TWENTY));
    }
  }

  /** One of three that were read together ends the batch by an error of its own. */
  @Test
  void allOfATurnAreToldOfTheEndWhateverOneThrows() throws Exception {
    Heard throwing =
        new Heard() {
          @Override
          public void token(int token, double p, String piece, float[] logits) {
            throw new AssertionError("of a listener");
          }
        };
    List<Heard> heard = List.of(throwing, new Heard(), new Heard());
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, TWELVE)) {
      try (Blocker blocker = Blocker.of(batch)) {
        for (int i = 0; i < heard.size(); i++) {
          batch.submit(BatchRequest.of(text(i, 64), TWENTY), heard.get(i));
        }
      }
      for (Heard each : heard) {
        assertThat(each.generation().end()).isEqualTo(End.CANCELLED);
      }
    }
  }

  /** A call that fails half-way ends those it was for: their states are of no more use. */
  @Test
  void aCallThatFailsHalfWayEndsOnlyThoseItWasFor() throws Exception {
    AtomicInteger failures = new AtomicInteger();
    BatchOptions options =
        TWELVE
            .withSession(failing(new FailingForm(failures, new AtomicInteger())))
            .withPromptTokens(128);
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, options)) {
      Heard writes = new Heard();
      BatchTicket ticket = batch.submit(BatchRequest.of(text(9, 1), LONG), writes);
      writes.awaitFirst();
      List<Heard> heard = new ArrayList<>();
      try (Blocker blocker = Blocker.of(batch)) {
        for (int i = 0; i < 3; i++) {
          heard.add(new Heard());
          batch.submit(BatchRequest.of(text(i, 64), TWENTY), heard.get(i));
        }
        failures.set(1);
      }
      assertFails(heard.get(0), FailingForm.MESSAGE);
      assertFails(heard.get(1), FailingForm.MESSAGE);
      assertThat(heard.get(2).generation()).isEqualTo(alone(exact, text(2, 64), TWENTY));
      Heard after = new Heard();
      batch.submit(BatchRequest.of(text(5, 64), TWENTY), after);
      assertThat(after.generation()).isEqualTo(alone(exact, text(5, 64), TWENTY));
      assertThat(writes.end).isNotDone();
      ticket.cancel();
      assertThat(writes.generation().end()).isEqualTo(End.CANCELLED);
    }
  }

  /** One of three that read by turns is cancelled, and one is short. */
  @Test
  void whoIsCancelledLeavesTheOthers() throws Exception {
    BatchOptions options = TWELVE.withPromptTokens(128);
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, options)) {
      List<Heard> endless = new ArrayList<>();
      List<BatchTicket> tickets = new ArrayList<>();
      Heard middle = new Heard();
      Heard brief = new Heard();
      try (Blocker blocker = Blocker.of(batch)) {
        for (int i = 0; i < 4; i++) {
          endless.add(new Heard());
          tickets.add(batch.submit(BatchRequest.of(text(i, 500_000), LONG).kept(), endless.get(i)));
        }
        batch.submit(BatchRequest.of(text(7, 3000), TWENTY), middle);
        batch.submit(BatchRequest.of(text(8, 20), TWENTY), brief);
      }
      assertThat(brief.generation()).isEqualTo(alone(exact, text(8, 20), TWENTY));
      tickets.get(1).cancel();
      assertThat(endless.get(1).generation().end()).isEqualTo(End.CANCELLED);
      try (Snapshot kept = endless.get(1).state()) {
        assertThat(kept.position(0)).isPositive().isLessThan(500_000);
      }
      assertThat(middle.generation()).isEqualTo(alone(exact, text(7, 3000), TWENTY));
      assertThat(endless.get(0).end).isNotDone();
      batch.close();
      for (Heard each : endless) {
        assertThat(each.generation().end()).isEqualTo(End.CANCELLED);
        each.state().close();
      }
    }
  }

  /** All that is read at once here is read in one turn, in which the short one is the last. */
  @Test
  void theShortestIsFirst() throws Exception {
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, TWELVE)) {
      List<Heard> heard = new ArrayList<>();
      try (Blocker blocker = Blocker.of(batch)) {
        for (int length : new int[] {300, 200, 20}) {
          Heard each =
              new Heard() {
                @Override
                public void token(int token, double p, String piece, float[] logits) {
                  order.add(length);
                  super.token(token, p, piece, logits);
                }
              };
          heard.add(each);
          batch.submit(BatchRequest.of(text(1, length), ONE), each);
        }
      }
      for (Heard each : heard) {
        each.generation();
      }
    }
    assertThat(order).containsExactly(20, 200, 300);
  }

  @Test
  void whoWritesWaitsForSoManyTokensOnly() throws Exception {
    BatchOptions options = TWELVE.withPromptTokens(128);
    try (ContinuousBatch batch = new ContinuousBatch(exact, tokenizer, options)) {
      Heard writes = new Heard();
      batch.submit(BatchRequest.of(text(9, 5), LONG), writes);
      writes.awaitFirst();
      List<Heard> heard = new ArrayList<>();
      BatchCounts before;
      try (Blocker blocker = Blocker.of(batch)) {
        before = batch.counts();
        for (int i = 0; i < 8; i++) {
          heard.add(new Heard());
          batch.submit(BatchRequest.of(text(i, 700 + i), ONE), heard.get(i));
        }
      }
      for (Heard each : heard) {
        each.generation();
      }
      BatchCounts after = batch.counts();
      assertThat(after.promptTokens() - before.promptTokens())
          .isBetween(7 * 700L, 128 * (after.steps() - before.steps() + 2));
    }
  }

  /** Listeners that fail with what nobody expects, of those who write, read and wait. */
  @Test
  void allAreToldOfTheEndWhateverOneDoes() throws Exception {
    List<Heard> heard = new ArrayList<>();
    BatchListener throwing =
        new BatchListener() {
          @Override
          public void token(int token, double logProbability, String text, float[] logits) {}

          @Override
          public void ended(Generation generation, String rest, Optional<Snapshot> state) {
            throw new AssertionError("of a listener");
          }

          @Override
          public void failed(Throwable failure) {
            throw new AssertionError("of a listener");
          }
        };
    ContinuousBatch batch =
        new ContinuousBatch(exact, tokenizer, TWELVE.withSequences(4).withPromptTokens(128));
    for (int length : new int[] {5, 500_000, 5}) {
      batch.submit(BatchRequest.of(text(1, length), LONG), throwing);
      heard.add(new Heard());
      batch.submit(BatchRequest.of(text(2, length), LONG), heard.get(heard.size() - 1));
    }
    heard.get(0).awaitFirst();
    batch.close();
    for (Heard each : heard) {
      assertThat(each.end).succeedsWithin(Duration.ofSeconds(60));
      assertThat(each.generation().end()).isEqualTo(End.CANCELLED);
    }
    assertThat(batch.open()).isFalse();
  }
}
