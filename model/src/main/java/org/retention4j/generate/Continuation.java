package org.retention4j.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.retention4j.args.Args;
import org.retention4j.text.Sampler;
import org.retention4j.text.StopStrings;
import org.retention4j.text.StreamingDecoder;
import org.retention4j.text.Tokenizer;

/**
 * One text in the making: from logits to the next token, its piece of text, and the end. Whoever
 * reads tokens with a model asks it what comes next; {@link Generator} does so for one sequence,
 * {@link org.retention4j.batch.ContinuousBatch} for many. For one thread at a time.
 *
 * @since 0.1
 */
public final class Continuation {
  private final GenerationOptions options;
  private final Consumer<String> stream;
  private final Sampler sampler;
  private final StreamingDecoder decoder;
  private final StopStrings stops;
  private final Set<Integer> stopSpecials;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private final List<Double> logProbabilities = new ArrayList<>();
  private Generation generation;

  /**
   * Begins behind tokens that were read.
   *
   * @param vocabulary the number of logits
   * @param seen the tokens before, for the repetition penalty and for text that begins within a
   *     word
   * @param stream receives the text in pieces as it is certain, never half a character
   * @throws IllegalArgumentException for stop strings that hold a special token's text and more
   */
  public Continuation(
      Tokenizer tokenizer,
      int vocabulary,
      int[] seen,
      GenerationOptions options,
      Consumer<String> stream) {
    this.options = Args.present("options", options);
    this.stream = Args.present("a stream", stream);
    Args.present("the tokens before", seen);
    stopSpecials =
        StopStrings.specialTokens(options.stopStrings(), Args.present("a tokenizer", tokenizer));
    sampler = new Sampler(options.sampling(), vocabulary);
    for (int token : seen) {
      sampler.accept(token);
    }
    decoder = new StreamingDecoder(tokenizer, seen);
    stops = new StopStrings(options.stopStrings());
    if (options.maxTokens() == 0) {
      end(Generation.End.MAX_TOKENS);
    }
  }

  /**
   * Chooses the next token.
   *
   * @param logits (vocabulary) after the last token; unchanged
   * @return whether the text goes on: the token is to be read then, for the next choice
   * @throws IllegalStateException after the end
   */
  public boolean choose(float[] logits) {
    if (ended()) {
      throw new IllegalStateException("this text has ended: " + generation.end());
    }
    int token = sampler.sample(logits);
    tokens.add(token);
    logProbabilities.add(sampler.logProbability());
    if (options.stopTokens().contains(token)) {
      end(Generation.End.STOP_TOKEN);
    } else if (stopSpecials.contains(token)) {
      end(Generation.End.STOP_STRING);
    } else {
      emit(stops.accept(decoder.accept(token)));
      if (stops.stopped()) {
        end(Generation.End.STOP_STRING);
      } else if (tokens.size() >= options.maxTokens()) {
        end(Generation.End.MAX_TOKENS);
      }
    }
    return !ended();
  }

  /**
   * Returns the token that was chosen last.
   *
   * @throws IllegalStateException if none was
   */
  public int token() {
    requireChoice();
    return tokens.get(tokens.size() - 1);
  }

  /**
   * Returns the last token's log-probability under the softmax of the unmodified logits.
   *
   * @throws IllegalStateException if none was chosen
   */
  public double logProbability() {
    requireChoice();
    return logProbabilities.get(logProbabilities.size() - 1);
  }

  private void requireChoice() {
    if (tokens.isEmpty()) {
      throw new IllegalStateException("no token was chosen yet");
    }
  }

  /** Returns whether the text has ended. */
  public boolean ended() {
    return generation != null;
  }

  /**
   * Ends the text, unless it has ended, and returns it.
   *
   * @param why unless what was held back brings a stop string
   */
  public Generation end(Generation.End why) {
    if (!ended()) {
      emit(stops.accept(decoder.flush()));
      Generation.End end = stops.stopped() ? Generation.End.STOP_STRING : why;
      emit(stops.flush());
      generation = new Generation(text.toString(), tokens, logProbabilities, end);
    }
    return generation;
  }

  /**
   * Returns the text.
   *
   * @throws IllegalStateException before its end
   */
  public Generation generation() {
    if (!ended()) {
      throw new IllegalStateException("this text goes on");
    }
    return generation;
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      stream.accept(piece);
    }
  }
}
