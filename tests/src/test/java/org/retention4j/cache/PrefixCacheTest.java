package org.retention4j.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.snapshot.Fingerprint;

/** What is kept, found and counted, and what must never be served. */
class PrefixCacheTest extends CacheFixture {
  private LanguageModel model;

  @BeforeEach
  void makeModel() {
    model = model(1);
  }

  @Test
  void findsThePromptItself() {
    try (PrefixCache cache = cache(model, OPTIONS)) {
      int[] prompt = text(1, 150);
      assertSame(cache, model, prompt);
      assertSame(cache, model, prompt);
      PrefixCacheStats stats = cache.stats();
      assertThat(stats.misses()).isEqualTo(1);
      assertThat(stats.hits()).isEqualTo(1);
      assertThat(stats.tokensSaved()).isEqualTo(150);
      assertThat(stats.tokensRead()).isEqualTo(150);
      assertThat(stats.entries()).as("at 128 and 150").isEqualTo(2);
    }
  }

  @Test
  void goesOnFromTheLastWholePiece() {
    try (PrefixCache cache = cache(model, OPTIONS)) {
      cache.read(text(1, 150)).close();
      int[] longer = join(text(1, 150), text(2, 100));
      assertSame(cache, model, longer);
      assertThat(cache.stats().partialHits()).isEqualTo(1);
      assertThat(cache.stats().tokensSaved()).isEqualTo(128);
    }
  }

  /** The second prompt shows where they part; the third finds it. */
  @Test
  void storesWherePromptsPart() {
    try (PrefixCache cache = cache(model, OPTIONS.withEnds(false))) {
      int[] system = text(1, 200);
      for (int i = 0; i < 3; i++) {
        assertSame(cache, model, join(system, text(10 + i, 90)));
      }
      assertThat(cache.stats().misses()).isEqualTo(2);
      assertThat(cache.stats().tokensSaved()).isEqualTo(192);
      assertThat(cache.stats().entries()).isEqualTo(1);
    }
  }

  @Test
  void storesAtMultiples() {
    PrefixCacheOptions options = OPTIONS.withEnds(false).withJunctions(false).withEvery(128);
    try (PrefixCache cache = cache(model, options)) {
      cache.read(text(1, 400)).close();
      assertThat(cache.stats().entries()).isEqualTo(3);
      assertSame(cache, model, join(text(1, 270), text(2, 50)));
      assertThat(cache.stats().tokensSaved()).isEqualTo(256);
    }
  }

  @Test
  void sessionsDoNotDependOnIt() {
    PrefixCache cache = cache(model, OPTIONS);
    cache.read(text(1, 150)).close();
    try (Session first = cache.read(text(1, 150));
        Session second = cache.read(text(1, 150))) {
      cache.close();
      cache.close();
      first.append(text(2, 30));
      second.append(text(3, 30));
      double[] seen = logits(first);
      second.append(text(4, 30));
      assertThat(logits(first)).isEqualTo(seen);
      assertThatIllegalStateException()
          .isThrownBy(() -> cache.read(1, 2))
          .withMessage("this cache is closed");
    }
  }

  /** All hashes are one: every look-up meets another prompt's state. */
  @Test
  void neverServesAnotherPromptWithTheSameHash() throws IOException {
    Fingerprint one = Fingerprint.digest().add(1).end();
    try (PrefixCache cache =
        new PrefixCache(model, OPTIONS, (before, tokens, from, to) -> one, System::nanoTime)) {
      for (int seed = 0; seed < 20; seed++) {
        assertSame(cache, model, text(seed, 150));
        assertSame(cache, model, join(text(1, 100), text(seed, 50)));
      }
      assertThat(cache.stats().collisions()).isGreaterThan(20);
    }
  }

  @Test
  void neverServesOtherOptions() {
    SessionOptions chunks = SessionOptions.DEFAULT.withForm(new ChunkwiseForm(16));
    SessionOptions steps = SessionOptions.DEFAULT.withForm(new RecurrentForm());
    SessionOptions rounded = SessionOptions.DEFAULT.withBfloat16Prefill(true);
    try (PrefixCache cache = cache(model, OPTIONS)) {
      int[] prompt = text(1, 150);
      for (SessionOptions options : List.of(SessionOptions.DEFAULT, chunks, steps, rounded)) {
        assertSame(cached(cache, options, prompt), plain(model, options, prompt));
      }
      assertThat(cache.stats().misses()).isEqualTo(4);
      cached(cache, SessionOptions.DEFAULT.withForm(new ChunkwiseForm(16)), prompt);
      assertThat(cache.stats().hits()).as("equal options").isEqualTo(1);
    }
  }

  @Test
  void pausesBehindAPiece() {
    try (PrefixCache cache = cache(model, OPTIONS);
        PrefixReading reading = cache.begin(text(1, 150), SessionOptions.DEFAULT)) {
      assertThat(reading.cached()).isZero();
      reading.next();
      assertThat(reading.position()).isEqualTo(64);
      assertThatIllegalStateException()
          .isThrownBy(reading::take)
          .withMessage("expected a prompt that was read, got 64 of 150 tokens");
      Thread.currentThread().interrupt();
      assertThatExceptionOfType(CancellationException.class).isThrownBy(reading::next);
      assertThat(Thread.interrupted()).isTrue();
      reading.next();
      reading.next();
      assertThat(reading.done()).isTrue();
      assertThatIllegalStateException()
          .isThrownBy(reading::next)
          .withMessage("expected more to read, got the end of the prompt");
      Session session = reading.take();
      assertThat(logits(session))
          .isEqualTo(plain(model, SessionOptions.DEFAULT, text(1, 150)).get(0));
      session.close();
      assertThatIllegalStateException()
          .isThrownBy(reading::take)
          .withMessage("this reading has ended");
    }
  }

  @Test
  void refusesWhatIsNoPrompt() {
    try (PrefixCache cache = cache(model, OPTIONS)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cache.read())
          .withMessage("expected a prompt of at least 1 token, got none");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cache.read(3, 61))
          .withMessage("expected a token in 0..60, got 61");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cache.read(new int[] {1}, null))
          .withMessage("expected options of a session, got null");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withPiece(513))
        .withMessage("expected pieces of 1..512 tokens, got 513");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withEvery(100))
        .withMessage("expected a multiple of the piece, 64, or 0, got 100");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OPTIONS.withMostBytes(-1))
        .withMessage("expected limits >= 0 bytes, got -1 and 0");
  }

  @Test
  void tellsTheFlightRecorder(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("events.jfr");
    long all;
    try (PrefixCache cache = cache(model, OPTIONS)) {
      cache.read(text(1, 150)).close();
      assertThat(cache.stats().entries()).isEqualTo(2);
      all = cache.stats().bytes();
    }
    try (Recording recording = new Recording();
        PrefixCache cache = cache(model, OPTIONS.withMostBytes(all - 1))) {
      recording.start();
      cache.read(text(1, 150)).close();
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertThat(events)
        .filteredOn(event -> event.getEventType().getName().equals("org.retention4j.PrefixRead"))
        .singleElement()
        .satisfies(event -> assertThat(event.getInt("promptTokens")).isEqualTo(150))
        .satisfies(event -> assertThat(event.getInt("cachedTokens")).isZero());
    assertThat(events)
        .filteredOn(
            event -> event.getEventType().getName().equals("org.retention4j.PrefixEviction"))
        .hasSize(1);
  }
}
