package org.retention4j.generate;

import java.util.List;
import java.util.Set;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.Tokenizers;

/**
 * How a text is continued.
 *
 * @param maxTokens the most tokens that are generated, at least 0
 * @param sampling how each is chosen
 * @param stopTokens tokens that end the text and do not belong to it
 * @param stopStrings texts, not empty, that end the text and do not belong to it; the whole text of
 *     a special token stands for that token
 * @since 0.1
 */
public record GenerationOptions(
    int maxTokens, SamplingOptions sampling, Set<Integer> stopTokens, List<String> stopStrings) {
  /** 256 of the likeliest tokens. */
  public static final GenerationOptions DEFAULT =
      new GenerationOptions(256, SamplingOptions.DEFAULT, Set.of(), List.of());

  /**
   * Returns the default, ended by the tokens that end a checkpoint's texts. Where tokens are bytes,
   * for want of a tokenizer, none does: the token of that number is a character.
   */
  public static GenerationOptions of(Checkpoint checkpoint) {
    Args.present("a checkpoint", checkpoint);
    boolean bytes = Tokenizers.areBytes(checkpoint.folder());
    return bytes ? DEFAULT : DEFAULT.withStopTokens(checkpoint.endTokens());
  }

  /** Checks that nothing is missing, and the ranges. */
  public GenerationOptions {
    Args.present("sampling options", sampling);
    Args.present("stop tokens", stopTokens);
    Args.present("stop strings", stopStrings);
    if (maxTokens < 0) {
      throw new IllegalArgumentException("expected maxTokens >= 0, got " + maxTokens);
    }
    stopTokens.forEach(token -> Args.present("a stop token", token));
    stopStrings.forEach(stop -> Args.present("a stop string", stop));
    stopTokens = Set.copyOf(stopTokens);
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException("expected stop strings with text, got an empty one");
    }
  }

  /** Returns the same with another limit. */
  public GenerationOptions withMaxTokens(int value) {
    return new GenerationOptions(value, sampling, stopTokens, stopStrings);
  }

  /** Returns the same with tokens chosen otherwise. */
  public GenerationOptions withSampling(SamplingOptions value) {
    return new GenerationOptions(maxTokens, value, stopTokens, stopStrings);
  }

  /** Returns the same with other tokens that end the text. */
  public GenerationOptions withStopTokens(Set<Integer> value) {
    return new GenerationOptions(maxTokens, sampling, value, stopStrings);
  }

  /** Returns the same with other strings that end the text. */
  public GenerationOptions withStopStrings(List<String> value) {
    return new GenerationOptions(maxTokens, sampling, stopTokens, value);
  }
}
