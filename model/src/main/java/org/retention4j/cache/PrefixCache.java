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
    int[] tokens = checked(prompt);
    Session session = model.newSession(1, Args.present("options of a session", of));
    boolean done = false;
    try {
      PrefixReading reading = begin(tokens, session, false);
      done = true;
      return reading;
    } finally {
      if (!done) {
        session.close();
      }
    }
  }

  /**
   * Begins to read a prompt for somebody who reads pieces himself, together with others say, and
   * tells of each by {@link PrefixReading#advance}. What he stores is found by his like only, since
   * it is what he made of the pieces.
   *
   * @param session of one sequence that has seen nothing; it goes on from the beginning that was
   *     found, and stays the caller's
   */
  public PrefixReading begin(int[] prompt, Session session) {
    int[] tokens = checked(prompt);
    if (session.model() != model || session.batch() != 1 || session.position(0) != 0) {
      throw new IllegalArgumentException(
          "expected a session of this model, of one sequence that has seen nothing, got one of "
              + session.batch()
              + " at position "
              + session.position(0));
    }
    return begin(tokens, session, true);
  }

  private PrefixReading begin(int[] tokens, Session session, boolean lent) {
    SessionOptions of = session.options();
    List<PrefixKey> keys = PrefixKey.of(model, of, lent, options.piece(), tokens, hash);
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
    PrefixReadEvent event = new PrefixReadEvent();
    int depth = entry == null ? 0 : entry.key.depth();
    long cost = entry == null ? 0 : entry.cost;
    try {
      int onDisk = fromDisk(tokens, keys, session, depth);
      event.fromDisk = onDisk > 0;
      if (onDisk > 0) {
        depth = onDisk;
        cost = onDisk * averageCost();
      } else if (entry != null) {
        session.put(0, entry.snapshot, 0);
      }
    } finally {
      if (entry != null) {
        synchronized (lock) {
          store.release(entry);
        }
      }
    }
    count(tokens.length, depth, event);
    return new PrefixReading(this, tokens, keys, session, lent, depth, cost, junction);
  }

  private int[] checked(int[] prompt) {
    int[] tokens = Args.present("a prompt", prompt).clone();
    requireTokens(tokens);
    return tokens;
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

  /** Puts what the folder knows of a prompt beyond a depth; returns its depth, or 0 for none. */
  private int fromDisk(int[] tokens, List<PrefixKey> keys, Session session, int beyond) {
    if (folder == null) {
      return 0;
    }
    for (int i = keys.size() - 1; i >= 0 && keys.get(i).depth() > beyond; i--) {
      PrefixKey key = keys.get(i);
      Snapshot snapshot = folder.read(key, tokens);
      if (snapshot != null) {
        long cost = key.depth() * averageCost();
        boolean done = false;
        try {
          session.put(0, snapshot, 0);
          done = true;
        } finally {
          if (!done) {
            snapshot.close();
          }
        }
        put(new PrefixEntry(key, tokens, snapshot, bytes(snapshot), cost));
        return key.depth();
      }
    }
    return 0;
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
