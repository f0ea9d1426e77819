package org.retention4j.server;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.Snapshot;
import org.retention4j.model.mixer.KvCacheOptions;

/** What sessions hold in memory, all together; more has to be asked for before it is there. */
final class SessionMemory {
  /** An answer may be read before its request has given its session back: so long it is waited. */
  private static final long GAP_NANOS = 250_000_000;

  private static final long PAUSE_MILLIS = 10;

  private final LanguageModel model;
  private final KvCacheOptions cache;
  private final long most;
  private final Collection<StoredSession> all;
  private final Consumer<StoredSession> unload;

  /**
   * Counts.
   *
   * @param most bytes of all together
   * @param all sessions there are, at any time
   * @param unload lets one leave the memory, if that can be
   */
  SessionMemory(
      LanguageModel model,
      SessionOptions options,
      long most,
      Collection<StoredSession> all,
      Consumer<StoredSession> unload) {
    this.model = model;
    this.cache = options.cache();
    this.most = most;
    this.all = all;
    this.unload = unload;
  }

  long bytes() {
    return all.stream().mapToLong(StoredSession::bytes).sum();
  }

  /** Returns what a state takes with the tokens that are kept beside it, null for none. */
  long bytes(Snapshot state, int[] tokens) {
    return state.bytes() + logits() + (tokens == null ? 0 : (long) tokens.length * Integer.BYTES);
  }

  private long logits() {
    boolean wide = model.engine().type() == ElementType.FLOAT64;
    return (long) model.config().vocabulary() * (wide ? Double.BYTES : Float.BYTES);
  }

  /** Returns the most that a session takes behind so many tokens. */
  long bytesAt(long length) {
    KvCacheOptions growing = new KvCacheOptions(cache.maxTokens(), 0, cache.cacheType());
    int room = (int) Math.min(length, cache.maxTokens());
    KvCacheOptions whole = new KvCacheOptions(cache.maxTokens(), room, cache.cacheType());
    double sum = logits() + (double) length * Integer.BYTES;
    for (LayerConfig layer : model.config().layers()) {
      ElementType type = model.engine().type();
      var size = layer.mixer().stateSize(type, growing, length);
      // Copies have no more than they need: neither doubled, nor beyond a window.
      double exact = layer.mixer().stateSize(type, whole, length).heldCache();
      sum += size.fixed() + Math.min(size.heldCache(), exact);
    }
    return (long) sum;
  }

  /**
   * Lets a session take so many bytes, until it is released; those that were used longest ago leave
   * the memory for it.
   *
   * @throws HttpFailure if there is no room; it stays as it was then
   */
  synchronized void reserve(StoredSession session, long bytes) {
    if (bytes > most) {
      throw new HttpFailure(
          HttpFailure.BAD_REQUEST,
          "session_too_large",
          "expected a session of at most " + most + " bytes, got one that takes " + bytes);
    }
    if (bytes <= session.held()) {
      return;
    }
    long until = System.nanoTime() + GAP_NANOS;
    unloadFor(session, bytes);
    while (others(session) + bytes > most) {
      if (System.nanoTime() - until >= 0 || !pause()) {
        throw full(others(session), bytes);
      }
      unloadFor(session, bytes);
    }
    session.reserve(bytes);
  }

  private void unloadFor(StoredSession session, long bytes) {
    List<StoredSession> eldest =
        all.stream()
            .filter(each -> each != session && each.bytes() > 0)
            .map(each -> Map.entry(each.unusedNanos(), each))
            .sorted(Map.Entry.comparingByKey(Comparator.reverseOrder()))
            .map(Map.Entry::getValue)
            .toList();
    for (int i = 0; i < eldest.size() && others(session) + bytes > most; i++) {
      unload.accept(eldest.get(i));
    }
  }

  /** Lets others go on; returns whether to try again. */
  private boolean pause() {
    try {
      wait(PAUSE_MILLIS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private HttpFailure full(long others, long bytes) {
    return new HttpFailure(
        HttpFailure.TOO_MANY,
        "session_memory",
        "expected sessions of at most "
            + most
            + " bytes in memory, got "
            + others
            + " and "
            + bytes
            + " more");
  }

  private long others(StoredSession session) {
    return all.stream().filter(each -> each != session).mapToLong(StoredSession::held).sum();
  }
}
