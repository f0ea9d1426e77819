package org.retention4j.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.SessionOptions;

/** Beginnings in a folder that others share, damage and fill. */
class PrefixFolderTest extends CacheFixture {
  private static final long MEBIBYTE = 1L << 20;
  private static final int[] PROMPT = text(1, 2 * PIECE);

  @TempDir private Path folder;
  private LanguageModel model;
  private PrefixCacheOptions options;

  @BeforeEach
  void makeModel() {
    model = model(1);
    options = OPTIONS.withFolder(folder, 64 * MEBIBYTE);
  }

  private List<Path> files() {
    try (Stream<Path> list = Files.list(folder)) {
      return list.sorted().toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes the only file, that of the prompt. */
  private Path stored() {
    try (PrefixCache cache = cache(model, options)) {
      cache.read(PROMPT).close();
    }
    assertThat(files()).hasSize(1);
    return files().get(0);
  }

  @Test
  void findsWhatAnEarlierOneLeft() throws IOException {
    Path file = stored();
    try (PrefixCache cache = cache(model, options)) {
      assertThat(cache.stats().diskBytes()).isEqualTo(Files.size(file));
      assertSame(cache, model, PROMPT);
      assertSame(cache, model, PROMPT);
      PrefixCacheStats stats = cache.stats();
      assertThat(stats.hits()).isEqualTo(2);
      assertThat(stats.diskHits()).as("then it is in memory").isEqualTo(1);
      assertThat(stats.tokensRead()).isZero();
      assertThat(stats.damaged()).isZero();
    }
  }

  @Test
  void isSharedByTwo() {
    try (PrefixCache one = cache(model, options);
        PrefixCache two = cache(model, options)) {
      for (int seed = 1; seed < 6; seed++) {
        assertSame(one, model, text(seed, 150));
        assertSame(two, model, text(seed, 150));
        assertSame(two, model, join(text(seed, 150), text(9, 20)));
      }
      assertThat(one.stats().misses()).isEqualTo(5);
      assertThat(two.stats().misses()).isZero();
      assertThat(two.stats().diskHits()).isEqualTo(10);
    }
  }

  /** What a crash of the machine or another program may leave: cut, flipped, empty, longer. */
  @Test
  void takesDamagedFilesForNone() throws IOException {
    byte[] whole = Files.readAllBytes(stored());
    Path file = files().get(0);
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 60; i++) {
      byte[] damaged = whole.clone();
      if (i % 3 == 0) {
        damaged = Arrays.copyOf(whole, i == 0 ? 0 : random.nextInt(whole.length));
      } else if (i % 3 == 1) {
        damaged[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      } else {
        damaged = Arrays.copyOf(whole, whole.length + 1 + random.nextInt(9));
      }
      Files.write(file, damaged);
      try (PrefixCache cache = cache(model, options)) {
        assertSame(cache, model, PROMPT);
        assertThat(cache.stats().damaged()).as("damage " + i).isEqualTo(1);
        assertThat(cache.stats().misses()).isEqualTo(1);
      }
      assertThat(Files.readAllBytes(file)).as("written anew").isEqualTo(whole);
    }
  }

  /** Of the same configuration, with other weights: under its own name and under another's. */
  @Test
  void neverServesAnotherModel() throws IOException {
    byte[] ofModel = Files.readAllBytes(stored());
    LanguageModel other = model(2);
    try (PrefixCache cache = cache(other, options)) {
      assertSame(cache, other, PROMPT);
      assertThat(cache.stats().misses()).isEqualTo(1);
    }
    assertThat(files()).hasSize(2);
    for (Path file : files()) {
      Files.write(file, ofModel);
    }
    try (PrefixCache cache = cache(other, options)) {
      assertSame(cache, other, PROMPT);
      assertThat(cache.stats().damaged()).isEqualTo(1);
      assertThat(cache.stats().misses()).isEqualTo(1);
    }
  }

  /** A file of another prompt under this one's name, as if their hashes were equal. */
  @Test
  void neverServesAnotherPrompt() throws IOException {
    Path file = stored();
    try (PrefixCache cache = cache(model, options)) {
      cache.read(text(2, 2 * PIECE)).close();
    }
    Path other = files().stream().filter(path -> !path.equals(file)).findFirst().orElseThrow();
    Files.write(file, Files.readAllBytes(other));
    try (PrefixCache cache = cache(model, options)) {
      assertSame(cache, model, PROMPT);
      assertThat(cache.stats().damaged()).isEqualTo(1);
      assertThat(cache.stats().misses()).isEqualTo(1);
    }
  }

  @Test
  void neverServesOtherOptions() {
    stored();
    SessionOptions rounded = SessionOptions.DEFAULT.withBfloat16Prefill(true);
    try (PrefixCache cache = cache(model, options)) {
      assertSame(cached(cache, rounded, PROMPT), plain(model, rounded, PROMPT));
      assertThat(cache.stats().misses()).isEqualTo(1);
    }
    try (PrefixCache cache = cache(model, options.withPiece(2 * PIECE))) {
      cache.read(PROMPT).close();
      assertThat(cache.stats().misses()).as("other pieces").isEqualTo(1);
    }
  }

  @Test
  void staysWithinItsBytes() throws IOException {
    long one = Files.size(stored());
    try (PrefixCache cache = cache(model, OPTIONS.withFolder(folder, 3 * one))) {
      for (int seed = 2; seed < 7; seed++) {
        Files.setLastModifiedTime(files().get(0), FileTime.from(Instant.now()));
        cache.read(text(seed, 2 * PIECE)).close();
        assertThat(cache.stats().diskBytes()).isLessThanOrEqualTo(3 * one);
      }
      assertThat(files()).hasSize(3);
      assertThat(cache.stats().diskEvictions()).isEqualTo(3);
    }
  }

  @Test
  void touchesNothingElseAndRemovesWhatWasLeftUnfinished() throws IOException {
    Path file = stored();
    Path foreign = Files.writeString(folder.resolve("notes.txt"), "mine");
    Path young = Files.writeString(folder.resolve("." + file.getFileName() + ".1f.tmp"), "half");
    Path old = Files.writeString(folder.resolve("." + file.getFileName() + ".2f.tmp"), "half");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(2))));
    try (PrefixCache cache = cache(model, OPTIONS.withFolder(folder, 1))) {
      assertSame(cache, model, PROMPT);
    }
    assertThat(files()).containsExactlyInAnyOrder(foreign, young);
  }

  /** A file has the folder's place once it is gone: nothing can be written there. */
  @Test
  void goesOnWhereNothingCanBeWritten() throws IOException {
    Path gone = folder.resolve("gone");
    try (PrefixCache cache = cache(model, OPTIONS.withFolder(gone, 64 * MEBIBYTE))) {
      Files.delete(gone);
      Files.writeString(gone, "a file");
      assertSame(cache, model, PROMPT);
      assertSame(cache, model, PROMPT);
      assertThat(cache.stats().diskFailures()).isEqualTo(1);
      assertThat(cache.stats().hits()).as("in memory").isEqualTo(1);
    }
  }
}
