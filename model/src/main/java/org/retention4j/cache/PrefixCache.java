package org.retention4j.cache;

import java.io.IOException;
import java.util.List;
import java.util.function.LongSupplier;
import org.retention4j.args.Args;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.Snapshot;

/**
 * Gives sessions that have read a prompt, and goes on from the longest beginning of it that was
 * read before. With retention layers a beginning is a few megabytes, however long it is.
 *
 * <p><b>What is guaranteed.</b> Prompts are read in pieces of {@link PrefixCacheOptions#piece}
 * tokens from their first on, and beginnings are taken up at multiples of that only, or where a
 * prompt is there as a whole. So the session is, to the bit, the one that {@link Session#append}
 * makes of the same pieces, whatever the cache held; of the prompt in one call it is so to rounding
 * (in a float64 engine to the bit, if the piece is a multiple of the chunk).
 *
 * <p>A beginning is found by a hash of the model's fingerprint, the engine's kind, all options of
 * the session and the tokens, and then its tokens are compared: no other prompt's, model's or
 * option's state is served, whatever hashes do. Files of other machines with the same kind of
 * engine may differ in the last bits.
 *
 * <p>For any number of threads. Sessions that were given out do not depend on it.
 *
 * @since 0.1
 */
public final class PrefixCache implements AutoCloseable {
  private final LanguageModel model;
  private final PrefixCacheOptions options;
  private final PrefixHash hash;
  private final LongSupplier clock;
  private final PrefixFolder folder;
  private final Object lock = new Object();
  private final PrefixStore store;
  private long hits;
  private long partialHits;
  private long misses;
  private long tokensSaved;
  private long tokensRead;
  private long nanosRead;
  private long diskHits;
  private boolean closed;

  /**
   * Makes an empty one, or one that finds what is in the folder. The model stays the caller's; all
   * its weights are read once, for its fingerprint.
   *
   * @throws IOException if the folder cannot be made or listed
   */
  public PrefixCache(LanguageModel model, PrefixCacheOptions options) throws IOException {
    this(model, options, PrefixHash.SHA_256, System::nanoTime);
  }

  /** With another hash, and another clock to say what reading costs. */
  PrefixCache(LanguageModel model, PrefixCacheOptions options, PrefixHash hash, LongSupplier clock)
      throws IOException {
    this.model = Args.present("a model", model);
    this.options = Args.present("options of a cache", options);
    this.hash = hash;
    this.clock = clock;
    model.fingerprint(); // here, so that the first prompt does not wait for it
    store = new PrefixStore(options.mostBytes());
    folder =
        options.folder().isPresent()
            ? new PrefixFolder(model, options.folder().get(), options.mostDiskBytes())
            : null;
  }

  /** Returns the options. */
  public PrefixCacheOptions options() {
    return options;
  }

  /** Returns a session that has read a prompt, computing as by default. */
  public Session read(int... prompt) {
    return read(prompt, SessionOptions.DEFAULT);
  }

  /**
   * Returns a session of one sequence that has read a prompt, and nothing else.
   *
   * @param prompt at least one token
   * @param of how the session computes
   * @throws IllegalArgumentException for no token, one outside the vocabulary, or more than a cache
   *     of attention may hold
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; what was
   *     stored until then stays
   */
  public Session read(int[] prompt, SessionOptions of) {
    try (PrefixReading reading = begin(prompt, of)) {
      while (!reading.done()) {
        reading.next();
      }
      return reading.take();
    }
  }

  /** Begins to read a prompt, see {@link #read(int[], SessionOptions)}; it is to be closed. */
  public PrefixReading begin(int[] prompt, SessionOptions of) {
    Args.present("options of a session", of);
    int[] tokens = Args.present("a prompt", prompt).clone();
    requireTokens(tokens);
    List<PrefixKey> keys = PrefixKey.of(model, of, options.piece(), tokens, hash);
    int junction;
    PrefixEntry entry = null;
    synchronized (lock) {
      requireOpen();
      junction = store.junction(keys);
      for (int i = keys.size() - 1; i >= 0 && entry == null; i--) {
        entry = store.get(keys.get(i), tokens);
      }
      if (entry != null) {
        store.use(entry);
      }
    }
    PrefixReading reading = null;
    PrefixReadEvent event = new PrefixReadEvent();
    try {
      int depth = entry == null ? 0 : entry.key.depth();
      reading = fromDisk(tokens, keys, of, depth, junction);
      event.fromDisk = reading != null;
      if (reading == null && entry != null) {
        Session session = model.restore(entry.snapshot, of);
        reading = new PrefixReading(this, tokens, keys, session, depth, entry.cost, junction);
      }
    } finally {
      if (entry != null) {
        synchronized (lock) {
          store.release(entry);
        }
      }
    }
    if (reading == null) {
      reading = new PrefixReading(this, tokens, keys, model.newSession(1, of), 0, 0, junction);
    }
    count(tokens.length, reading.cached(), event);
    return reading;
  }

  private void requireTokens(int[] tokens) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("expected a prompt of at least 1 token, got none");
    }
    int vocabulary = model.config().vocabulary();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "expected a token in 0.." + (vocabulary - 1) + ", got " + token);
      }
    }
  }

  /** Returns what the folder knows of a prompt beyond a depth, or null. */
  private PrefixReading fromDisk(
      int[] tokens, List<PrefixKey> keys, SessionOptions of, int beyond, int junction) {
    if (folder == null) {
      return null;
    }
    for (int i = keys.size() - 1; i >= 0 && keys.get(i).depth() > beyond; i--) {
      PrefixKey key = keys.get(i);
      Snapshot snapshot = folder.read(key, tokens);
      if (snapshot != null) {
        long cost = key.depth() * averageCost();
        Session session;
        try {
          session = model.restore(snapshot, of);
        } catch (RuntimeException | Error e) {
          snapshot.close();
          throw e;
        }
        put(new PrefixEntry(key, tokens, snapshot, bytes(snapshot), cost));
        return new PrefixReading(this, tokens, keys, session, key.depth(), cost, junction);
      }
    }
    return null;
  }

  private void count(int length, int cached, PrefixReadEvent event) {
    synchronized (lock) {
      tokensSaved += cached;
      hits += cached == length ? 1 : 0;
      partialHits += cached > 0 && cached < length ? 1 : 0;
      misses += cached == 0 ? 1 : 0;
      diskHits += event.fromDisk ? 1 : 0;
    }
    event.promptTokens = length;
    event.cachedTokens = cached;
    event.commit();
  }

  long nanoTime() {
    return clock.getAsLong();
  }

  /** Notes tokens that were read, and what they cost. */
  void noteRead(int tokens, long nanos) {
    synchronized (lock) {
      tokensRead += tokens;
      nanosRead += nanos;
    }
  }

  /** Stores where a session stands, unless it is there already. */
  void store(PrefixKey key, int[] prompt, Session session, long cost) {
    boolean inMemory;
    synchronized (lock) {
      inMemory = closed || store.get(key, prompt) != null;
    }
    // A file that is there and is not in memory was looked at and was wrong: it is replaced.
    boolean onDisk = folder == null || inMemory && folder.has(key);
    if (inMemory && onDisk) {
      return;
    }
    Snapshot snapshot = session.snapshot(0);
    if (!onDisk) {
      folder.write(key, prompt, snapshot);
    }
    put(new PrefixEntry(key, prompt, snapshot, bytes(snapshot), cost));
  }

  private long bytes(Snapshot snapshot) {
    int perLogit = model.engine().type() == ElementType.FLOAT64 ? Double.BYTES : Float.BYTES;
    return snapshot.bytes() + (long) perLogit * model.config().vocabulary();
  }

  /** Returns what a token has cost so far, in nanoseconds. */
  private long averageCost() {
    synchronized (lock) {
      return tokensRead == 0 ? 1 : Math.max(1, nanosRead / tokensRead);
    }
  }

  private void put(PrefixEntry entry) {
    synchronized (lock) {
      if (closed) {
        entry.snapshot.close();
      } else {
        store.put(entry);
      }
    }
  }

  /** Returns what it has done so far. */
  public PrefixCacheStats stats() {
    synchronized (lock) {
      return new PrefixCacheStats(
          hits,
          partialHits,
          misses,
          tokensSaved,
          tokensRead,
          store.size(),
          store.bytes(),
          store.evictions(),
          store.collisions(),
          diskHits,
          folder == null ? 0 : folder.bytes(),
          folder == null ? 0 : folder.evictions(),
          folder == null ? 0 : folder.damaged(),
          folder == null ? 0 : folder.failures());
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this cache is closed");
    }
  }

  /** Frees what it holds in memory; files stay. Readings that have begun go on without it. */
  @Override
  public void close() {
    synchronized (lock) {
      if (!closed) {
        closed = true;
        store.clear();
      }
    }
  }
}
