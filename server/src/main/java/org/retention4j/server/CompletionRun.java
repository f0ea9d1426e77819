package org.retention4j.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.retention4j.batch.BatchListener;
import org.retention4j.batch.BatchPlaces;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.BatchTicket;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;
import org.retention4j.text.SamplingOptions;

/**
 * The choices of a completion on their way through the batch. The prompt of several is read once.
 * For one thread, which takes the events; what is left of it at the end is cancelled.
 */
final class CompletionRun implements AutoCloseable {
  private static final int[] NONE = {};
  private static final Generation UNREAD =
      new Generation("", List.of(), List.of(), Generation.End.CANCELLED);

  private final ContinuousBatch batch;
  private final BatchRequest first;
  private final CompletionRequest request;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final List<BatchTicket> tickets = new ArrayList<>();

  /** For the choices of a prompt that is read once, so that none is refused half-way. */
  private final Optional<BatchPlaces> places;

  private Snapshot shared;
  private volatile int cached;
  private final long patience;
  private int open;
  private boolean cancelled;

  /** Until when the end of what was cancelled is waited for, as System.nanoTime tells it. */
  private long until;

  /** Nobody takes events any more. */
  private boolean abandoned;

  /**
   * Begins.
   *
   * @param sequence the prompt and from where it is read
   * @param patience how long the batch may take to end what was cancelled
   */
  CompletionRun(
      ContinuousBatch batch, BatchRequest sequence, CompletionRequest request, Duration patience) {
    this.patience = patience.toNanos();
    this.batch = batch;
    this.first = sequence;
    this.request = request;
    places = request.n() == 1 ? Optional.empty() : Optional.of(batch.reserve(request.n()));
    boolean done = false;
    try {
      tickets.add(
          places.isEmpty()
              ? batch.submit(sequence, new Listener(0))
              : batch.submit(promptOf(sequence), new Listener(-1)));
      done = true;
    } finally {
      if (!done) {
        places.ifPresent(BatchPlaces::close);
      }
    }
    open++;
  }

  private static BatchRequest promptOf(BatchRequest sequence) {
    GenerationOptions none = sequence.options().withMaxTokens(0);
    return new BatchRequest(sequence.start(), sequence.seen(), sequence.prompt(), none, true);
  }

  /** Returns whether all choices have ended and were taken. */
  boolean done() {
    return open == 0;
  }

  /** Returns how many tokens of the prompt were not read, since a prefix cache knew them. */
  int cached() {
    return cached;
  }

  /**
   * Returns what comes next, empty if nothing does in this time.
   *
   * @throws HttpFailure if a choice failed, or has not ended although it was cancelled
   */
  Optional<Event> next(long millis) throws InterruptedException {
    Event event = events.poll(millis, TimeUnit.MILLISECONDS);
    if (event == null && cancelled && System.nanoTime() - until >= 0) {
      throw new HttpFailure(
          HttpFailure.UNAVAILABLE,
          "not_ended",
          "expected an end within "
              + Duration.ofNanos(patience)
              + " of being cancelled, got none: the session, if any, is as it was");
    }
    if (event == null || event instanceof Event.Token) {
      return Optional.ofNullable(event);
    }
    open--;
    if (event instanceof Event.Failure failure) {
      throw HttpFailure.of(failure.cause());
    }
    if (event.choice() < 0) {
      divide((Event.End) event);
      return Optional.empty();
    }
    return Optional.of(event);
  }

  /** Continues what was read once as often as is asked for, unless it was cancelled before. */
  private void divide(Event.End read) {
    shared = read.state().orElse(null);
    boolean goesOn = !cancelled && isWhole(shared);
    int[] seen = new int[first.seen().length + first.prompt().length];
    System.arraycopy(first.seen(), 0, seen, 0, first.seen().length);
    System.arraycopy(first.prompt(), 0, seen, first.seen().length, first.prompt().length);
    for (int i = 0; i < request.n(); i++) {
      if (!goesOn) {
        events.add(new Event.End(i, UNREAD, "", Optional.empty()));
        open++;
        continue;
      }
      SamplingOptions sampling = first.options().sampling();
      GenerationOptions own = first.options().withSampling(sampling.withSeed(sampling.seed() + i));
      BatchRequest choice = new BatchRequest(Optional.of(shared), seen, NONE, own, false);
      tickets.add(places.orElseThrow().submit(choice, new Listener(i)));
      open++;
    }
  }

  /**
   * Returns whether a state has read the whole prompt. How its sequence ended does not tell: a text
   * of no tokens has ended before its prompt is read.
   */
  private boolean isWhole(Snapshot state) {
    long before = first.start().map(start -> start.position(0)).orElse(0L);
    return state != null && state.position(0) == before + first.prompt().length;
  }

  /** Ends the choices as they are; their ends are still to come. */
  void cancel() {
    if (!cancelled) {
      cancelled = true;
      until = System.nanoTime() + patience;
      tickets.forEach(BatchTicket::cancel);
    }
  }

  /**
   * Cancels what goes on, waits for it, and frees states that nobody has taken; where the batch
   * hangs, those that come later.
   */
  @Override
  public void close() {
    cancel();
    places.ifPresent(BatchPlaces::close);
    boolean interrupted = false;
    while (open > 0 && System.nanoTime() - until < 0) {
      try {
        Event event = events.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (event != null) {
          free(event);
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    synchronized (events) {
      abandoned = true;
      events.forEach(this::free);
      closeShared();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void free(Event event) {
    open -= event instanceof Event.Token ? 0 : 1;
    if (event instanceof Event.End end) {
      end.state().ifPresent(Snapshot::close);
    }
    closeShared();
  }

  private void closeShared() {
    if (open == 0 && shared != null) {
      shared.close();
    }
  }

  private void add(Event event) {
    synchronized (events) {
      if (abandoned) {
        free(event);
      } else {
        events.add(event);
      }
    }
  }

  /** Called by the batch's thread. */
  private final class Listener implements BatchListener {
    private final int choice;

    Listener(int choice) {
      this.choice = choice;
    }

    @Override
    public void reading(int tokens) {
      cached = Math.max(cached, tokens);
    }

    @Override
    public void token(int token, double logProbability, String text, float[] logits) {
      Event.Scored chosen = new Event.Scored(token, logProbability);
      add(new Event.Token(choice, chosen, text, likeliest(chosen, logits)));
    }

    /** Their log-probabilities follow from the chosen one's: the sum is the same. */
    private List<Event.Scored> likeliest(Event.Scored chosen, float[] logits) {
      if (request.alternatives() < 1) {
        return List.of();
      }
      double sum = logits[chosen.token()] - chosen.logProbability();
      Comparator<Event.Scored> order = Comparator.comparingDouble(Event.Scored::logProbability);
      PriorityQueue<Event.Scored> best = new PriorityQueue<>(order);
      for (int i = 0; i < logits.length; i++) {
        boolean room = best.size() < request.alternatives();
        if (room || logits[i] - sum > best.peek().logProbability()) {
          best.add(new Event.Scored(i, logits[i] - sum));
          if (!room) {
            best.remove();
          }
        }
      }
      List<Event.Scored> all = new ArrayList<>(best);
      all.sort(order.reversed());
      return all;
    }

    @Override
    public void ended(Generation generation, String rest, Optional<Snapshot> state) {
      add(new Event.End(choice, generation, rest, state));
    }

    @Override
    public void failed(Throwable failure) {
      add(new Event.Failure(choice, failure));
    }
  }
}
