package org.retention4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.retention4j.batch.BatchOptions;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/** Runs completions, with a session or without. */
final class Completions {
  /** After so long without news something is sent, by which clients that have left are noticed. */
  private static final long ALIVE_MILLIS = 1000;

  /** After so long a run that was cancelled, and has not ended, is given up. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final String EXPECTED = "expected_position";
  private static final int[] NONE = {};

  private final ContinuousBatch batch;
  private final ServedModel served;
  private final ServerLimits limits;
  private final Metrics metrics;
  private final Duration patience;
  private final Choice.Texts texts;

  Completions(
      ContinuousBatch batch,
      ServedModel served,
      ServerLimits limits,
      Metrics metrics,
      Duration patience) {
    this.batch = batch;
    this.served = served;
    this.limits = limits;
    this.metrics = metrics;
    this.patience = patience;
    texts = new Choice.Texts(served.tokenizer());
  }

  /** Answers a completion of its own. */
  void complete(ObjectNode body, Answer answer) {
    CompletionRequest request = request(body, 0);
    run(
        BatchRequest.of(request.prompt(), request.options()),
        request,
        new CompletionAnswer(answer, request, served.name(), texts),
        end -> null);
  }

  private CompletionRequest request(ObjectNode body, long position) {
    BatchOptions size = batch.options();
    // The prompt of several has a place of its own, which may not be free yet when they come.
    long choices = Math.max(1, (long) size.sequences() + size.waiting() - 1);
    return CompletionRequest.of(
        body, served, limits, (int) Math.min(limits.choices(), choices), position);
  }

  /**
   * Refuses what is meant for a session that stands elsewhere: what a client that has lost its
   * connection repeats is done once.
   */
  private static void requirePosition(StoredSession session, ObjectNode body) {
    OptionalLong expected = new Fields(body).position(EXPECTED);
    body.remove(EXPECTED);
    if (expected.isPresent() && expected.getAsLong() != session.position()) {
      throw HttpFailure.elsewhere(session.name(), expected.getAsLong(), session.position());
    }
  }

  /** Goes on in a session, which stays as it is unless the answer comes to its end. */
  void generate(
      StoredSession session, Snapshot state, SessionMemory memory, ObjectNode body, Answer answer) {
    requirePosition(session, body);
    CompletionRequest request = request(body, session.position());
    if (request.n() != 1) {
      throw HttpFailure.field("n", "expected n of 1 in a session, got " + request.n());
    }
    run(
        sequence(session, state, memory, request),
        request,
        new CompletionAnswer(answer, request, served.name(), texts),
        end -> commit(session, memory, request, end));
  }

  /** Lets a session read a prompt. */
  void append(
      StoredSession session, Snapshot state, SessionMemory memory, ObjectNode body, Answer answer) {
    requirePosition(session, body);
    Fields fields = new Fields(body);
    fields.requireKnown(Set.of("prompt", "model"));
    CompletionRequest.requireModel(fields, served);
    if (fields.get("prompt") == null) {
      throw HttpFailure.field("prompt", "expected a prompt, got none");
    }
    int[] prompt = CompletionRequest.prompt(fields, served, limits, session.position());
    if (prompt.length == 0) {
      answer.json(200, session.json());
      return;
    }
    CompletionRequest request =
        new CompletionRequest(
            prompt, GenerationOptions.DEFAULT.withMaxTokens(0), 1, -1, false, false);
    run(
        sequence(session, state, memory, request),
        request,
        new Output.Standing(answer),
        end -> commit(session, memory, request, end));
  }

  private BatchRequest sequence(
      StoredSession session, Snapshot state, SessionMemory memory, CompletionRequest request) {
    long length = session.position() + request.prompt().length + request.options().maxTokens();
    if (length > limits.sessionTokens()) {
      throw HttpFailure.field(
          "prompt",
          "expected a session of at most "
              + limits.sessionTokens()
              + " tokens, got "
              + length
              + " with this prompt and max_tokens");
    }
    memory.reserve(session, Math.max(session.bytes(), memory.bytesAt(length)));
    int[] seen = session.tokens() == null ? NONE : session.tokens();
    return new BatchRequest(Optional.of(state), seen, request.prompt(), request.options(), true);
  }

  /** The session takes the state at the end, and the tokens that were read for it. */
  private static ObjectNode commit(
      StoredSession session, SessionMemory memory, CompletionRequest request, Event.End end) {
    Snapshot state = end.state().orElse(null);
    int[] prompt = request.prompt();
    long read = state == null ? 0 : state.position(0) - session.position();
    if (state == null || read < prompt.length) {
      if (state != null) {
        state.close();
      }
      throw new HttpFailure(
          HttpFailure.UNAVAILABLE,
          "prompt_not_read",
          "expected time for "
              + prompt.length
              + " tokens, got it for "
              + read
              + ": the session is as it was");
    }
    Generation generation = end.generation();
    int[] more =
        generation.tokens().stream()
            .limit(read - prompt.length)
            .mapToInt(Integer::intValue)
            .toArray();
    int[] all = session.with(prompt, more);
    session.change(state, all, memory.bytes(state, all));
    return session.json();
  }

  private void run(
      BatchRequest sequence,
      CompletionRequest request,
      Output out,
      Function<Event.End, ObjectNode> commit) {
    long start = System.nanoTime();
    long until = start + limits.time().toNanos();
    boolean first = true;
    long news = start;
    ObjectNode session = null;
    try (CompletionRun run = new CompletionRun(batch, sequence, request, patience)) {
      while (!run.done()) {
        Optional<Event> event = run.next(ALIVE_MILLIS);
        long now = System.nanoTime();
        if (now > until) {
          run.cancel();
        }
        if (event.isPresent() && event.get() instanceof Event.Token token) {
          if (first) {
            metrics.firstToken(now - start);
            first = false;
          }
          out.take(token);
          boolean sent = request.alternatives() >= 0 || !token.text().isEmpty();
          news = request.stream() && sent ? now : news;
        } else if (event.isPresent() && event.get() instanceof Event.End end) {
          session = commit.apply(end);
          out.take(end);
          news = now;
        }
        if (now - news >= ALIVE_MILLIS * 1_000_000) {
          out.alive();
          news = now;
        }
      }
      out.cached(run.cached());
      out.end(session);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw HttpFailure.stopping();
    }
  }
}
