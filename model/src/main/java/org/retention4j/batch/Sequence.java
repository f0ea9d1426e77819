package org.retention4j.batch;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import org.retention4j.cache.PrefixCache;
import org.retention4j.cache.PrefixReading;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.generate.Continuation;
import org.retention4j.generate.Generation;
import org.retention4j.generate.Generation.End;
import org.retention4j.model.Session;
import org.retention4j.model.Snapshot;
import org.retention4j.text.Tokenizer;

/** A sequence on its way through a batch. All but {@link #cancel} is for the batch's thread. */
final class Sequence {
  private static final System.Logger LOG = System.getLogger(ContinuousBatch.class.getName());
  private static final int NONE = -1;

  private final BatchRequest request;
  private final BatchListener listener;
  private final Continuation text;
  private final StringBuilder piece = new StringBuilder();
  private volatile boolean cancelled;
  private Session reader;
  private PrefixReading cached;
  private int read;
  private int next;
  private int justRead;
  private int unread = NONE;
  private boolean failed;
  private boolean told;
  private final Consumer<Runnable> news;

  /**
   * Makes one that waits.
   *
   * @param news takes what its listener is told of its end, once its place is free
   */
  Sequence(
      BatchRequest request,
      BatchListener listener,
      Tokenizer tokenizer,
      int vocabulary,
      Consumer<Runnable> news) {
    this.request = request;
    this.listener = listener;
    this.news = news;
    int[] prompt = request.prompt();
    int[] seen = new int[request.seen().length + prompt.length];
    System.arraycopy(request.seen(), 0, seen, 0, request.seen().length);
    System.arraycopy(prompt, 0, seen, request.seen().length, prompt.length);
    text = new Continuation(tokenizer, vocabulary, seen, request.options(), piece::append);
  }

  BatchRequest request() {
    return request;
  }

  void cancel() {
    cancelled = true;
  }

  boolean cancelled() {
    return cancelled;
  }

  /**
   * Begins to read in a session of one row, which stays the caller's: from its start, or from what
   * a cache knows of its prompt.
   */
  void readIn(Session session, PrefixCache prefixes) {
    reader = session;
    if (request.start().isPresent()) {
      session.put(0, request.start().get(), 0);
    } else if (prefixes != null && request.seen().length == 0) {
      cached = prefixes.begin(request.prompt(), session);
      read = cached.cached();
    }
    listener.reading(read);
  }

  /** Returns whether a cache stores where it stands, so that it reads in the cache's pieces. */
  boolean readsForCache() {
    return cached != null;
  }

  Session reader() {
    return reader;
  }

  int promptLeft() {
    return request.prompt().length - read;
  }

  /** Says how many tokens of the prompt come next. */
  void readNext(int count) {
    next = count;
  }

  int next() {
    return next;
  }

  int[] nextTokens() {
    return Arrays.copyOfRange(request.prompt(), read, read + next);
  }

  /** Returns whether the whole prompt suits steps. */
  boolean readsInSteps() {
    return request.prompt().length == 1;
  }

  /** Returns the form that suits the whole prompt. */
  SequenceForm form() {
    return readsInSteps() ? reader.options().decode() : reader.options().prefill();
  }

  /** Notes that the reader has read what came next, in so many nanoseconds. */
  void advance(long nanos) {
    read += next;
    justRead = next;
    if (cached != null) {
      try {
        cached.advance(next, nanos);
      } catch (RuntimeException | OutOfMemoryError e) { // what is not kept is read again
        LOG.log(System.Logger.Level.WARNING, "the beginning of a prompt could not be kept", e);
        cached = null;
      }
    }
  }

  /** Returns how many tokens were read since this was asked. */
  int takeRead() {
    int taken = justRead;
    justRead = 0;
    return taken;
  }

  boolean ended() {
    return text.ended();
  }

  /** Ends the text as it stands. */
  void end(End why) {
    text.end(why);
  }

  /** Takes logits, and tells what is chosen. */
  void choose(float[] logits) {
    boolean more = text.choose(logits);
    boolean stops = !more && text.generation().end() != End.MAX_TOKENS;
    unread = stops ? NONE : text.token();
    listener.token(text.token(), text.logProbability(), takePiece(), logits);
  }

  private String takePiece() {
    String taken = piece.toString();
    piece.setLength(0);
    return taken;
  }

  /** Returns whether a token is to be read: to go on, or for the state that is kept. */
  boolean reads() {
    return unread != NONE && (!ended() || request.keep());
  }

  /** Returns the token that was chosen and not read, which counts as read from now on. */
  int takeUnread() {
    int token = unread;
    unread = NONE;
    return token;
  }

  /** Tells the end, with the state of a row where it is to be kept. */
  void tellEnd(Session session, int row) {
    Snapshot kept = request.keep() ? session.snapshot(row) : null;
    tellEnd(Optional.ofNullable(kept));
  }

  /** Tells the end of one that has no state. */
  void tellEnd() {
    tellEnd(Optional.empty());
  }

  private void tellEnd(Optional<Snapshot> state) {
    Generation generation = text.generation();
    String rest = takePiece();
    tell(() -> listener.ended(generation, rest, state));
  }

  void tellFailure(Throwable failure) {
    tell(() -> listener.failed(failure));
  }

  /** Ends it while its prompt is read, with its reader; nothing is thrown. */
  void fail(Throwable failure) {
    failed = true;
    try {
      if (reader != null) {
        reader.close();
      }
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "a session could not be closed", e);
    }
    tellFailure(failure);
  }

  boolean failed() {
    return failed;
  }

  private void tell(Runnable end) {
    if (!told) {
      told = true;
      news.accept(() -> guarded(end));
    }
  }

  /** What a listener throws must not end the batch. */
  private static void guarded(Runnable end) {
    try {
      end.run();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.WARNING, "a listener to a sequence failed", e);
    }
  }
}
