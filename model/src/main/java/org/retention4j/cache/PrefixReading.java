package org.retention4j.cache;

import java.util.Arrays;
import java.util.List;
import org.retention4j.model.Session;

/**
 * A prompt that is being read piece by piece, from where its beginning was found: {@link #next}
 * until {@link #done}, then {@link #take}. What is behind a piece may wait, so that others have
 * their turn. For one thread at a time.
 *
 * @since 0.1
 */
public final class PrefixReading implements AutoCloseable {
  private final PrefixCache cache;
  private final int[] prompt;
  private final List<PrefixKey> keys;
  private final Session session;
  private final boolean lent;
  private final int cached;
  private final int junction;
  private long cost;
  private int read;
  private boolean ended;

  /**
   * Takes a session over.
   *
   * @param lent whether it stays the caller's
   * @param cached the tokens that it has seen
   * @param cost of these, in nanoseconds
   * @param junction the depth at which the prompt parts from another, in whole pieces
   */
  PrefixReading(
      PrefixCache cache,
      int[] prompt,
      List<PrefixKey> keys,
      Session session,
      boolean lent,
      int cached,
      long cost,
      int junction) {
    this.cache = cache;
    this.prompt = prompt;
    this.keys = keys;
    this.session = session;
    this.lent = lent;
    this.cached = cached;
    this.cost = cost;
    this.junction = junction;
    read = cached;
  }

  /** Returns the tokens that were found and are not read again, 0 for none. */
  public int cached() {
    return cached;
  }

  /** Returns the tokens behind which it stands. */
  public int position() {
    return read;
  }

  /** Returns whether the prompt was read to its end. */
  public boolean done() {
    return read == prompt.length;
  }

  /**
   * Reads the next piece, and stores where it stands if that is asked for.
   *
   * @throws java.util.concurrent.CancellationException if the thread is interrupted: nothing was
   *     read then, and it can be called again
   * @throws IllegalStateException behind the end
   */
  public void next() {
    requireOpen();
    if (done()) {
      throw new IllegalStateException("expected more to read, got the end of the prompt");
    }
    int[] piece = Arrays.copyOfRange(prompt, read, key().depth());
    long start = cache.nanoTime();
    session.append(piece);
    advance(piece.length, cache.nanoTime() - start);
  }

  /** Returns what stands behind the next piece. */
  private PrefixKey key() {
    return keys.get(read / cache.options().piece());
  }

  /**
   * Notes that its session was let read the next piece by somebody else, and stores where it stands
   * if that is asked for.
   *
   * @param tokens of the piece, as long as pieces are or to the prompt's end
   * @param nanos that it took
   * @throws IllegalArgumentException for another number of tokens
   */
  public void advance(int tokens, long nanos) {
    requireOpen();
    if (done() || read + tokens != key().depth()) {
      throw new IllegalArgumentException(
          "expected the next piece, of "
              + (done() ? 0 : key().depth() - read)
              + " tokens, got "
              + tokens);
    }
    PrefixKey key = key();
    cost += nanos;
    read = key.depth();
    cache.noteRead(tokens, nanos);
    if (wanted(read)) {
      cache.store(key, prompt, session, cost);
    }
  }

  private boolean wanted(int depth) {
    PrefixCacheOptions options = cache.options();
    boolean whole = depth % options.piece() == 0;
    int lastWhole = prompt.length / options.piece() * options.piece();
    return options.ends() && (depth == prompt.length || depth == lastWhole)
        || whole && options.junctions() && depth == junction
        || whole && options.every() > 0 && depth % options.every() == 0;
  }

  /**
   * Hands the session over, which is the caller's then.
   *
   * @throws IllegalStateException before the prompt's end
   */
  public Session take() {
    requireOpen();
    if (!done()) {
      throw new IllegalStateException(
          "expected a prompt that was read, got " + read + " of " + prompt.length + " tokens");
    }
    ended = true;
    return session;
  }

  private void requireOpen() {
    if (ended) {
      throw new IllegalStateException("this reading has ended");
    }
  }

  /** Ends it; a session that was not taken is closed, unless it is the caller's. */
  @Override
  public void close() {
    if (!ended && !lent) {
      session.close();
    }
    ended = true;
  }
}
