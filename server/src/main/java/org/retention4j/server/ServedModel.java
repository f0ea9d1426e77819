package org.retention4j.server;

import java.util.OptionalInt;
import java.util.Set;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.Tokenizer;

/**
 * A model with what a server needs to know of its texts. Model and tokenizer stay the caller's and
 * are to be closed after the server.
 *
 * @param name by which clients call it
 * @param endTokens that end a text and do not belong to it
 * @param beginToken what an empty prompt becomes
 * @since 0.1
 */
public record ServedModel(
    String name,
    LanguageModel model,
    Tokenizer tokenizer,
    Set<Integer> endTokens,
    OptionalInt beginToken) {
  /** Checks that nothing is missing. */
  public ServedModel {
    Args.present("a name", name);
    Args.present("a model", model);
    Args.present("a tokenizer", tokenizer);
    endTokens = Set.copyOf(Args.present("end tokens", endTokens));
    Args.present("a begin token", beginToken);
  }

  /** Returns a model with the tokens that its checkpoint names. */
  public static ServedModel of(
      String name, Checkpoint checkpoint, LanguageModel model, Tokenizer tokenizer) {
    return new ServedModel(
        name,
        model,
        tokenizer,
        GenerationOptions.of(checkpoint).stopTokens(),
        checkpoint.beginToken());
  }
}
