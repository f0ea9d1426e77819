package org.retention4j.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;

/** Memory within a budget, what goes for others, and many threads at once. */
class PrefixBudgetTest extends CacheFixture {
  private LanguageModel model;

  /** Two pieces, so that what is stored of it is one beginning. */
  private static final int LENGTH = 2 * PIECE;

  @BeforeEach
  void makeModel() {
    model = model(1);
  }

  private long bytesOfOne() {
    try (PrefixCache cache = cache(model, OPTIONS)) {
      cache.read(text(1, LENGTH)).close();
      assertThat(cache.stats().entries()).isEqualTo(1);
      return cache.stats().bytes();
    }
  }

  @Test
  void staysWithinTheBudget() {
    long one = bytesOfOne();
    try (PrefixCache cache = cache(model, OPTIONS.withMostBytes(3 * one + one / 2))) {
      for (int seed = 0; seed < 9; seed++) {
        assertSame(cache, model, text(seed, LENGTH));
        assertThat(cache.stats().bytes()).isLessThanOrEqualTo(3 * one + one / 2);
      }
      assertThat(cache.stats().entries()).isEqualTo(3);
      assertThat(cache.stats().bytes()).isEqualTo(3 * one);
      assertThat(cache.stats().evictions()).isEqualTo(6);
    }
    try (PrefixCache cache = cache(model, OPTIONS.withMostBytes(0))) {
      assertSame(cache, model, text(1, LENGTH));
      assertSame(cache, model, text(1, LENGTH));
      assertThat(cache.stats().bytes()).isZero();
      assertThat(cache.stats().misses()).isEqualTo(2);
    }
  }

  /** One that has no room goes by itself, and not all others first. */
  @Test
  void whatIsLargerThanTheBudgetIsNotKept() {
    long one = bytesOfOne();
    try (PrefixCache cache = cache(model, OPTIONS.withMostBytes(2 * one))) {
      assertSame(cache, model, text(1, LENGTH));
      assertSame(cache, model, text(2, 60 * LENGTH));
      assertThat(cache.stats().entries()).isPositive();
      assertThat(cache.stats().evictions()).isZero();
      assertSame(cache, model, text(1, LENGTH));
      assertThat(cache.stats().hits()).isPositive();
    }
  }

  /** A clock that goes on by the same at each look: each piece costs the same. */
  private PrefixCache withEvenCost(long mostBytes) throws IOException {
    AtomicLong time = new AtomicLong();
    PrefixCacheOptions options = OPTIONS.withMostBytes(mostBytes).withJunctions(false);
    return new PrefixCache(model, options, PrefixHash.SHA_256, () -> time.getAndAdd(1_000_000));
  }

  private boolean holds(PrefixCache cache, int[] prompt) {
    try (PrefixReading reading = cache.begin(prompt, SessionOptions.DEFAULT)) {
      return reading.done();
    }
  }

  @Test
  void letsTheShortGoBeforeTheLongAndTheUsedStay() throws IOException {
    long budget = 3 * bytesOfOne() + 6 * PIECE * Integer.BYTES;
    try (PrefixCache cache = withEvenCost(budget)) {
      int[] dear = text(1, 6 * PIECE);
      int[] cheap = text(2, PIECE);
      int[] used = text(3, LENGTH);
      cache.read(dear).close();
      cache.read(cheap).close();
      cache.read(used).close();
      for (int i = 0; i < 4; i++) {
        cache.read(used).close();
      }
      cache.read(text(4, LENGTH)).close();
      assertThat(holds(cache, cheap)).as("the cheapest").isFalse();
      assertThat(holds(cache, dear)).isTrue();
      assertThat(holds(cache, used)).isTrue();
      for (int seed = 5; seed < 9; seed++) {
        cache.read(text(seed, LENGTH)).close();
      }
      assertThat(holds(cache, used)).as("used often").isTrue();
    }
  }

  /** What was dear and is asked for no longer goes in the end. */
  @Test
  void forgetsWhatWasDearOnce() throws IOException {
    long budget = 2 * bytesOfOne() + 6 * PIECE * Integer.BYTES;
    try (PrefixCache cache = withEvenCost(budget)) {
      int[] dear = text(1, 6 * PIECE);
      cache.read(dear).close();
      int rounds = 0;
      for (int seed = 2; seed < 40 && cache.stats().evictions() < 20; seed++, rounds++) {
        cache.read(text(seed, LENGTH)).close();
      }
      assertThat(rounds).isGreaterThan(10);
      assertThat(holds(cache, dear)).isFalse();
    }
  }

  /** What is being copied is freed when that is done, not before. */
  @Test
  void freesWhatIsInUseLater() {
    PrefixStore store = new PrefixStore(0);
    try (Session session = model.newSession()) {
      session.append(1, 2, 3);
      PrefixHash hash = PrefixHash.SHA_256;
      int[] prompt = {1, 2, 3};
      PrefixKey key =
          PrefixKey.of(model, SessionOptions.DEFAULT, false, PIECE, prompt, hash).get(0);
      PrefixEntry entry = new PrefixEntry(key, prompt, session.snapshot(0), 100, 1);
      store.use(entry);
      store.put(entry);
      assertThat(store.size()).isZero();
      assertThat(entry.snapshot.position(0)).isEqualTo(3);
      store.release(entry);
      assertThatIllegalStateException().isThrownBy(() -> entry.snapshot.position(0));
    }
  }

  /** Evicted while others copy them, stored by several at once, and always right. */
  @Test
  void servesManyThreads() throws InterruptedException, ExecutionException {
    List<int[]> prompts = new ArrayList<>();
    List<List<double[]>> expected = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int[] prompt = join(text(i % 3, 70 + 40 * (i % 4)), text(20 + i, 1 + 17 * i));
      prompts.add(prompt);
      expected.add(plain(model, SessionOptions.DEFAULT, prompt));
    }
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try (PrefixCache cache = cache(model, OPTIONS.withMostBytes(4 * bytesOfOne()))) {
      List<Future<?>> all = new ArrayList<>();
      for (int thread = 0; thread < 6; thread++) {
        SplittableRandom random = new SplittableRandom(thread);
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 40; i++) {
                    int which = random.nextInt(prompts.size());
                    assertSame(
                        cached(cache, SessionOptions.DEFAULT, prompts.get(which)),
                        expected.get(which));
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      PrefixCacheStats stats = cache.stats();
      assertThat(stats.hits() + stats.partialHits() + stats.misses()).isEqualTo(240);
      assertThat(stats.hits() + stats.partialHits()).isPositive();
      assertThat(stats.evictions()).isPositive();
    } finally {
      threads.shutdown();
    }
  }

  /** What it keeps of the tokens is what it counts: no more of a long prompt than its beginning. */
  @Test
  void anEntryKeepsItsTokensAndNoMore() {
    int[] prompt = text(1, 1000);
    int[] original = prompt.clone();
    PrefixKey key =
        PrefixKey.of(model, SessionOptions.DEFAULT, false, 64, prompt, PrefixHash.SHA_256).get(0);
    try (Session session = model.newSession()) {
      session.append(Arrays.copyOf(prompt, 64));
      PrefixEntry entry = new PrefixEntry(key, prompt, session.snapshot(0), 0, 1);
      Arrays.fill(prompt, 0);
      assertThat(entry.bytes).isEqualTo(4 * 64);
      assertThat(entry.begins(original)).isTrue();
      assertThat(entry.begins(prompt)).isFalse();
      entry.snapshot.close();
    }
  }
}
