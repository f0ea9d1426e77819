package org.retention4j.batch;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.cache.PrefixCacheStats;
import org.retention4j.generate.Generation.End;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.Tokenizer;

/**
 * Continues many texts at once with one model: sequences join and leave between steps, and the
 * others go on as if they were alone. In a float64 engine each gets to the bit what {@link
 * org.retention4j.generate.Generator} gives it alone; in fp32, what it gets to rounding.
 *
 * <p>Prompts are read in pieces between the steps of those who write, whose wait is bounded by
 * that, and several at once where that is faster; a newcomer's first token is chosen as soon as its
 * prompt is read. A step costs what its rows cost, not what the batch could hold. Where many rows
 * are free before the last one, that one moves; no other sequence is copied.
 *
 * <p>May be used by any number of threads. One thread of its own does all work; model and tokenizer
 * stay the caller's, and are to be closed after it.
 *
 * @since 0.1
 */
public final class ContinuousBatch implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(ContinuousBatch.class.getName());

  private final BatchOptions options;
  private final Tokenizer tokenizer;
  private final int vocabulary;
  private final Rows rows;
  private final Prompts prompts;
  private final Thread thread;

  /** What listeners are told behind a step. */
  private final List<Runnable> news = new ArrayList<>();

  private final Object lock = new Object();
  private final Deque<Sequence> waiting = new ArrayDeque<>();

  /** Room that is kept for sequences to come. */
  private int reserved;

  private boolean stopping;
  private boolean cancelling;
  private boolean ended;
  private long taken;
  private long refused;
  private BatchCounts counts = new BatchCounts(0, 0, 0, 0, 0, 0, 0, 0);

  /** Begins without sequences; states for all that may come are made now. */
  public ContinuousBatch(LanguageModel model, Tokenizer tokenizer, BatchOptions options) {
    Args.present("a model", model);
    this.tokenizer = Args.present("a tokenizer", tokenizer);
    this.options = Args.present("options", options);
    vocabulary = model.config().vocabulary();
    prompts = new Prompts(model, options);
    rows = new Rows(model, options);
    thread = new Thread(this::run, "retention-batch");
    thread.setDaemon(true);
    thread.start();
  }

  /** Returns how large it may become. */
  public BatchOptions options() {
    return options;
  }

  /**
   * Takes a sequence in.
   *
   * @param listener learns what becomes of it
   * @return to cancel it
   * @throws BatchFullException if too many wait already
   * @throws IllegalArgumentException for a token outside the vocabulary, or stop strings that hold
   *     a special token's text and more
   * @throws IllegalStateException after {@link #stop} or close
   */
  public BatchTicket submit(BatchRequest request, BatchListener listener) {
    synchronized (lock) {
      refuseIfFull(1); // before work is done for it
    }
    Sequence sequence = sequence(request, listener);
    synchronized (lock) {
      refuseIfFull(1);
      return add(sequence);
    }
  }

  private Sequence sequence(BatchRequest request, BatchListener listener) {
    Args.present("a request", request);
    Args.present("a listener", listener);
    for (int token : request.prompt()) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "expected tokens in 0.." + (vocabulary - 1) + ", the vocabulary, got " + token);
      }
    }
    return new Sequence(request, listener, tokenizer, vocabulary, news::add);
  }

  private BatchTicket add(Sequence sequence) {
    waiting.add(sequence);
    taken++;
    lock.notifyAll();
    return new BatchTicket(sequence, this::wake);
  }

  /**
   * Keeps room for sequences that will come, so that none of them is refused then; until they do
   * they count as waiting.
   *
   * @throws BatchFullException if there is not room for all of them
   * @throws IllegalArgumentException if there never is: for fewer than one, or more than may run
   *     and wait
   * @throws IllegalStateException after {@link #stop} or close
   */
  public BatchPlaces reserve(int sequences) {
    int most = options.sequences() + options.waiting();
    if (sequences < 1 || sequences > most) {
      throw new IllegalArgumentException(
          "expected room for 1.." + most + " sequences, got " + sequences);
    }
    synchronized (lock) {
      refuseIfFull(sequences);
      reserved += sequences;
    }
    return new BatchPlaces(this, sequences);
  }

  BatchTicket submitReserved(BatchRequest request, BatchListener listener) {
    Sequence sequence = sequence(request, listener);
    synchronized (lock) {
      refuseIf(cancelling);
      reserved--;
      return add(sequence);
    }
  }

  void giveBack(int places) {
    synchronized (lock) {
      reserved -= places;
      lock.notifyAll(); // who stops waits for those who were to come
    }
  }

  /** Returns whether it takes sequences: neither closed nor ended by a fault. */
  public boolean open() {
    synchronized (lock) {
      return !stopping;
    }
  }

  /** Those that a free place waits for do not count as waiting. */
  private void refuseIfFull(int more) {
    refuseIf(stopping);
    int free = Math.max(0, options.sequences() - counts.reading() - counts.writing());
    int wait = waiting.size() + reserved + more - free;
    if (wait > options.waiting()) {
      refused++;
      throw new BatchFullException(options.sequences(), options.waiting(), wait);
    }
  }

  private static void refuseIf(boolean closed) {
    if (closed) {
      throw new IllegalStateException("this batch takes no sequences any more");
    }
  }

  private void wake() {
    synchronized (lock) {
      lock.notifyAll();
    }
  }

  /** Returns what it does, as of the last step. */
  public BatchCounts counts() {
    synchronized (lock) {
      return new BatchCounts(
          counts.reading(),
          counts.writing(),
          waiting.size() + reserved,
          counts.promptTokens(),
          counts.tokens(),
          counts.steps(),
          taken,
          refused);
    }
  }

  /** Returns what its prefix cache does, empty where it has none. */
  public Optional<PrefixCacheStats> prefixStats() {
    return prompts.prefixStats();
  }

  private void run() {
    try {
      while (takeIn()) {
        prompts.read(rows);
        rows.step();
        count();
        tell();
      }
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "a batch ended by a fault of its own", e);
      throw e;
    } finally {
      end();
    }
  }

  /** Waits for work and gives places to those who wait; returns whether there is any. */
  private boolean takeIn() {
    List<Sequence> gone = new ArrayList<>();
    List<Sequence> come = new ArrayList<>();
    boolean work;
    synchronized (lock) {
      while (!cancelling && prompts.size() + rows.size() == 0 && waiting.isEmpty()) {
        if (stopping && reserved == 0) {
          return false;
        }
        try {
          lock.wait();
        } catch (InterruptedException e) {
          return false; // nobody else has this thread: it is to end
        }
      }
      work = !cancelling;
      removeCancelled(gone);
      int free = options.sequences() - prompts.size() - rows.size();
      while (work && come.size() < free && !waiting.isEmpty()) {
        come.add(waiting.remove());
      }
      count(prompts.size() + come.size());
    }
    gone.forEach(ContinuousBatch::endUnread);
    come.forEach(prompts::add);
    return work;
  }

  private void removeCancelled(List<Sequence> to) {
    Iterator<Sequence> all = waiting.iterator();
    while (all.hasNext()) {
      Sequence next = all.next();
      if (next.cancelled()) {
        all.remove();
        to.add(next);
      }
    }
  }

  private static void endUnread(Sequence sequence) {
    try {
      sequence.end(End.CANCELLED);
      sequence.tellEnd();
    } catch (RuntimeException | Error e) {
      sequence.tellFailure(e);
    }
  }

  /** Tells of ends, in the order in which they came; who asks again finds the place free. */
  private void tell() {
    news.forEach(Runnable::run);
    news.clear();
  }

  private void count() {
    synchronized (lock) {
      count(prompts.size());
    }
  }

  private void count(int reading) {
    counts =
        new BatchCounts(
            reading,
            rows.size(),
            0,
            prompts.tokensRead(),
            prompts.tokensChosen() + rows.tokensChosen(),
            rows.steps(),
            0,
            0);
  }

  private void end() {
    List<Sequence> left;
    synchronized (lock) {
      stopping = true;
      cancelling = true;
      left = new ArrayList<>(waiting);
      waiting.clear();
    }
    left.forEach(ContinuousBatch::endUnread);
    try (rows;
        prompts) {
      prompts.cancel();
      rows.cancel();
    } finally {
      tell();
      synchronized (lock) {
        ended = true;
        lock.notifyAll();
      }
    }
  }

  /**
   * Takes no more sequences but those for which it keeps room, and waits for these and those that
   * it has.
   *
   * @return whether all have ended within this time
   */
  public boolean stop(Duration patience) {
    Args.present("a duration", patience);
    long until = System.nanoTime() + patience.toNanos();
    synchronized (lock) {
      stopping = true;
      lock.notifyAll();
      boolean interrupted = false;
      while (!ended && until - System.nanoTime() > 0) {
        try {
          lock.wait(Math.max(1, (until - System.nanoTime()) / 1_000_000));
        } catch (InterruptedException e) {
          interrupted = true;
          break;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      return ended;
    }
  }

  /** Ends all sequences, as cancelled, and frees their states. */
  @Override
  public void close() {
    synchronized (lock) {
      stopping = true;
      cancelling = true;
      lock.notifyAll();
    }
    if (Thread.currentThread() == thread) {
      return; // from a listener: it ends behind this step
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
