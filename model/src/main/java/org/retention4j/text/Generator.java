package org.retention4j.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.retention4j.model.Session;

/** Continues texts with a model, token by token, streaming what it writes. */
public final class Generator {
  private final Tokenizer tokenizer;

  /** Makes one for a model's tokenizer, which stays the caller's. */
  public Generator(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Appends a prompt to a session of one sequence and continues it.
   *
   * @param session where an earlier text may stand already
   * @param prompt at least one token, unless the session has seen some
   * @param stream receives the text in pieces as it is certain, never half a character
   * @return the whole; all chosen tokens but a last stop token or the last of the limit have been
   *     appended to the session
   * @throws IllegalArgumentException if the session has several sequences, or nothing to continue
   */
  public Generation generate(
      Session session, String prompt, GenerationOptions options, Consumer<String> stream) {
    return generate(session, tokenizer.encode(prompt), options, stream);
  }

  /**
   * Appends prompt tokens and continues; see {@link #generate(Session, String, GenerationOptions,
   * Consumer)}.
   */
  public Generation generate(
      Session session, int[] prompt, GenerationOptions options, Consumer<String> stream) {
    requireSingle(session);
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(stream, "stream");
    if (prompt.length == 0 && session.position(0) == 0) {
      throw new IllegalArgumentException("expected a prompt of at least 1 token, got none");
    }
    if (prompt.length > 0) {
      session.append(prompt);
    }
    return resume(session, prompt, options, stream);
  }

  /**
   * Continues what stands in a session already.
   *
   * @param seen the tokens before, for the repetition penalty and for text that begins within a
   *     word; not appended
   */
  public Generation resume(
      Session session, int[] seen, GenerationOptions options, Consumer<String> stream) {
    requireSingle(session);
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(stream, "stream");
    return new Run(session, seen, options, stream).toEnd();
  }

  private static void requireSingle(Session session) {
    if (session.batch() != 1) {
      throw new IllegalArgumentException(
          "expected a session of one sequence, got one of " + session.batch());
    }
  }

  /** One generated text. */
  private final class Run {
    private final Session session;
    private final GenerationOptions options;
    private final Consumer<String> stream;
    private final Sampler sampler;
    private final StreamingDecoder decoder;
    private final StopStrings stops;
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Double> logProbabilities = new ArrayList<>();
    private final float[] logits;

    Run(Session session, int[] prompt, GenerationOptions options, Consumer<String> stream) {
      this.session = session;
      this.options = options;
      this.stream = stream;
      int vocabulary = session.model().config().vocabulary();
      logits = new float[vocabulary];
      sampler = new Sampler(options.sampling(), vocabulary);
      for (int token : prompt) {
        sampler.accept(token);
      }
      decoder = new StreamingDecoder(tokenizer, prompt);
      stops = new StopStrings(options.stopStrings());
    }

    Generation toEnd() {
      while (tokens.size() < options.maxTokens()) {
        session.logits(0, logits);
        int token = sampler.sample(logits);
        tokens.add(token);
        logProbabilities.add(sampler.logProbability());
        if (options.stopTokens().contains(token)) {
          return end(Generation.End.STOP_TOKEN);
        }
        emit(stops.accept(decoder.accept(token)));
        if (stops.stopped()) {
          return end(Generation.End.STOP_STRING);
        }
        if (tokens.size() < options.maxTokens()) {
          if (session.room(0) < 1) {
            return end(Generation.End.CACHE_FULL);
          }
          session.step(token);
        }
      }
      return end(Generation.End.MAX_TOKENS);
    }

    private Generation end(Generation.End why) {
      emit(stops.accept(decoder.flush()));
      Generation.End end = stops.stopped() ? Generation.End.STOP_STRING : why;
      emit(stops.flush());
      return new Generation(text.toString(), tokens, logProbabilities, end);
    }

    private void emit(String piece) {
      if (!piece.isEmpty()) {
        text.append(piece);
        stream.accept(piece);
      }
    }
  }
}
