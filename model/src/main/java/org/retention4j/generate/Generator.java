package org.retention4j.generate;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.retention4j.args.Args;
import org.retention4j.draft.DraftedSession;
import org.retention4j.model.Session;
import org.retention4j.text.StopStrings;
import org.retention4j.text.Tokenizer;

/**
 * Continues texts with a model, token by token, streaming what it writes.
 *
 * <p>Interrupting the thread ends a text before its next token, and so does a condition that is
 * given to the constructor; the interrupt status is kept. What was written so far is returned as
 * {@link Generation.End#CANCELLED}, and all chosen tokens have been appended to the session then,
 * so that {@link #resume} can go on.
 *
 * @since 0.1
 */
public final class Generator {
  private final Tokenizer tokenizer;
  private final BooleanSupplier cancelled;

  /** Makes one for a model's tokenizer, which stays the caller's. */
  public Generator(Tokenizer tokenizer) {
    this(tokenizer, () -> false);
  }

  /**
   * Makes one that ends its texts on a condition.
   *
   * @param cancelled is asked before a prompt and before each token
   */
  public Generator(Tokenizer tokenizer, BooleanSupplier cancelled) {
    this.tokenizer = Args.present("a tokenizer", tokenizer);
    this.cancelled = Args.present("a condition", cancelled);
  }

  /**
   * Appends a prompt to a session of one sequence and continues it.
   *
   * @param session where an earlier text may stand already
   * @param prompt at least one token, unless the session has seen some
   * @param stream receives the text in pieces as it is certain, never half a character
   * @return the whole; all chosen tokens but a last stop token or the last of the limit have been
   *     appended to the session; CANCELLED without tokens where that came before the prompt's end,
   *     of which the session's position tells how much was read
   * @throws IllegalArgumentException if the session has several sequences, or nothing to continue,
   *     or for stop strings that hold a special token's text and more
   */
  public Generation generate(
      Session session, String prompt, GenerationOptions options, Consumer<String> stream) {
    Args.present("a prompt", prompt);
    return generate(session, tokenizer.encode(prompt), options, stream);
  }

  /**
   * Appends prompt tokens and continues; see {@link #generate(Session, String, GenerationOptions,
   * Consumer)}.
   */
  public Generation generate(
      Session session, int[] prompt, GenerationOptions options, Consumer<String> stream) {
    requireSingle(session);
    Args.present("a prompt", prompt);
    Args.present("options", options);
    Args.present("a stream", stream);
    if (prompt.length == 0 && session.position(0) == 0) {
      throw new IllegalArgumentException("expected a prompt of at least 1 token, got none");
    }
    StopStrings.specialTokens(options.stopStrings(), tokenizer); // refused before it reads
    if (prompt.length > 0 && !append(session, prompt)) {
      return new Generation("", List.of(), List.of(), Generation.End.CANCELLED);
    }
    return toEnd(Steps.of(session), prompt, options, stream);
  }

  /** Appends a prompt and returns whether it was read to its end. */
  private boolean append(Session session, int[] prompt) {
    if (isCancelled()) {
      return false;
    }
    try {
      session.append(prompt);
      return true;
    } catch (CancellationException e) {
      return false;
    }
  }

  private boolean isCancelled() {
    return Thread.currentThread().isInterrupted() || cancelled.getAsBoolean();
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
    return resume(Steps.of(session), seen, options, stream);
  }

  /**
   * Continues what stands in a session that a draft helps: the same tokens, sooner; see {@link
   * DraftedSession} for what that means. When that is closed its session stands behind them.
   *
   * @param seen as for {@link #resume(Session, int[], GenerationOptions, Consumer)}
   */
  public Generation resume(
      DraftedSession session, int[] seen, GenerationOptions options, Consumer<String> stream) {
    Args.present("a session", session);
    return resume(Steps.of(session), seen, options, stream);
  }

  private Generation resume(
      Steps steps, int[] seen, GenerationOptions options, Consumer<String> stream) {
    Args.present("the tokens before", seen);
    Args.present("options", options);
    Args.present("a stream", stream);
    return toEnd(steps, seen, options, stream);
  }

  private static void requireSingle(Session session) {
    Args.present("a session", session);
    if (session.batch() != 1) {
      throw new IllegalArgumentException(
          "expected a session of one sequence, got one of " + session.batch());
    }
  }

  private Generation toEnd(
      Steps steps, int[] seen, GenerationOptions options, Consumer<String> stream) {
    int vocabulary = steps.vocabulary();
    float[] logits = new float[vocabulary];
    Continuation text = new Continuation(tokenizer, vocabulary, seen, options, stream);
    while (!text.ended()) {
      if (isCancelled()) {
        return text.end(Generation.End.CANCELLED);
      }
      steps.logits(logits);
      if (text.choose(logits)) {
        if (steps.room() < 1) {
          return text.end(Generation.End.CACHE_FULL);
        }
        steps.step(text.token());
      }
    }
    return text.generation();
  }
}
