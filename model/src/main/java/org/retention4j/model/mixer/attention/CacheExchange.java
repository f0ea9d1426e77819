package org.retention4j.model.mixer.attention;

import java.io.IOException;
import java.util.Locale;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotException;
import org.retention4j.snapshot.SnapshotException.Reason;
import org.retention4j.snapshot.SnapshotReader;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/**
 * Keys and values as sections of snapshots. A section holds, each number of 8 bytes unless it is
 * one of a type: the type's ordinal, the key/value heads and their width; for each row its position
 * and how many blocks of {@value KvHead#BLOCK} tokens at the beginning are gone, which no later
 * token sees; then for each row, each of its heads and each token behind those blocks its key and
 * its value.
 */
final class CacheExchange {
  static final String TAG = "ATTN";

  private static final int FIXED = 3;
  private static final int OF_ROW = 2;

  private CacheExchange() {}

  /** What is kept of bf16 is bf16 already. */
  private static NumberType type(KeyValueCache cache, NumberType type) {
    return cache.type() == CacheType.BFLOAT16 ? NumberType.BFLOAT16 : type;
  }

  static SnapshotSection section(KeyValueCache cache, int layer, NumberType type, int... rows) {
    AttentionConfig config = cache.config();
    long each = 2 * type(cache, type).bytes(config.headWidth());
    long bytes = Long.BYTES * (FIXED + (long) OF_ROW * rows.length);
    for (int row : rows) {
      bytes += config.kvHeads() * each * (cache.position(row) - first(cache, row));
    }
    return new SnapshotSection(TAG, layer, true, bytes);
  }

  /** Returns the first token that is there. */
  private static long first(KeyValueCache cache, int row) {
    return (long) cache.head(row, 0).dropped() * KvHead.BLOCK;
  }

  static void write(KeyValueCache cache, SnapshotWriter to, NumberType asked, int... rows)
      throws IOException {
    AttentionConfig config = cache.config();
    NumberType type = type(cache, asked);
    to.put(type.ordinal());
    to.put(config.kvHeads());
    to.put(config.headWidth());
    for (int row : rows) {
      to.put(cache.position(row));
      to.put(cache.head(row, 0).dropped());
    }
    int width = config.headWidth();
    double[] key = new double[width];
    double[] value = new double[width];
    for (int row : rows) {
      for (int h = 0; h < config.kvHeads(); h++) {
        KvHead head = cache.head(row, h);
        for (int t = (int) first(cache, row); t < cache.position(row); t++) {
          for (int i = 0; i < width; i++) {
            key[i] = head.key(t, i);
            value[i] = head.value(t, i);
          }
          to.put(type, key, width);
          to.put(type, value, width);
        }
      }
    }
  }

  static KeyValueCache read(
      Engine engine, AttentionConfig config, SnapshotReader from, KvCacheOptions options)
      throws IOException {
    NumberType type = NumberType.values()[(int) from.getLong("a type", 0, 2)];
    long heads = from.getLong();
    long width = from.getLong();
    if (heads != config.kvHeads() || width != config.headWidth()) {
      throw new SnapshotException(
          Reason.OTHER_KIND,
          String.format(
              Locale.ROOT,
              "expected keys and values of %d heads of %d, got %d of %d",
              config.kvHeads(),
              config.headWidth(),
              heads,
              width));
    }
    int rows = from.header().rows();
    long[] positions = new long[rows];
    int[] gone = new int[rows];
    long expected = 0;
    for (int row = 0; row < rows; row++) {
      positions[row] = position(from, config, options, row);
      gone[row] = (int) from.getLong("blocks", 0, mostGone(config, positions[row]));
      long tokens = positions[row] - (long) gone[row] * KvHead.BLOCK;
      expected += 2 * config.kvHeads() * type.bytes(config.headWidth()) * tokens;
    }
    if (expected != from.left()) {
      throw new SnapshotException(
          Reason.DAMAGED, "expected " + expected + " bytes of keys and values, got " + from.left());
    }
    KeyValueCache cache = new KeyValueCache(config, engine, rows, options);
    try {
      for (int row = 0; row < rows; row++) {
        cache.restore(row, positions[row], gone[row]);
        for (int h = 0; h < config.kvHeads(); h++) {
          fill(cache.head(row, h), gone[row] * KvHead.BLOCK, (int) positions[row], type, from);
        }
      }
      return cache;
    } catch (IOException | RuntimeException e) {
      cache.close();
      throw e;
    }
  }

  private static long position(
      SnapshotReader from, AttentionConfig config, KvCacheOptions options, int row)
      throws IOException {
    long position = from.header().positions().get(row);
    if (from.getLong() != position) {
      throw new SnapshotException(
          Reason.DAMAGED, "expected position " + position + " of row " + row + ", got another");
    }
    long limit = config.windowed() ? KeyValueCache.LARGEST_POSITION : options.maxTokens();
    if (position < 0 || position > limit) {
      throw new SnapshotException(
          Reason.TOO_LARGE,
          "expected a position in 0.." + limit + ", the cache's limit, got " + position);
    }
    return position;
  }

  /** Returns how many blocks no token from a position on can see. */
  private static long mostGone(AttentionConfig config, long position) {
    return config.windowed() ? Math.max(0, position + 1 - config.window()) / KvHead.BLOCK : 0;
  }

  private static void fill(KvHead head, int start, int end, NumberType type, SnapshotReader from)
      throws IOException {
    double[] key = new double[head.keyWidth()];
    double[] value = new double[head.valueWidth()];
    for (int t = start; t < end; t++) {
      from.get(type, key, key.length);
      from.get(type, value, value.length);
      for (int i = 0; i < key.length; i++) {
        head.setKey(t, i, key[i]);
        head.setValue(t, i, value[i]);
      }
    }
  }
}
