package org.retention4j.train.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.text.Tokenizer;

/**
 * A text to learn from, and one that is held out and only measured.
 *
 * @param learnt what is learnt from
 * @param heldOut what is not; may be empty
 * @param sha256 of all files, in hexadecimal digits
 * @since 0.1
 */
public record TrainingText(TokenText learnt, TokenText heldOut, String sha256) {
  /** The share that is held out by default. */
  public static final double HELD_OUT = 0.05;

  /**
   * Reads a text and holds its last share out.
   *
   * @param data a file, or a folder, all of whose files are read by their names
   * @param share held out, in 0…1 without 1; cut at a line
   * @throws IllegalArgumentException if it cannot be read, or nothing is left of it
   */
  public static TrainingText read(
      Path data, double share, Documents documents, Tokenizer tokenizer) {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected a held-out share in 0..1, below 1, got %s", share));
    }
    TextFiles files = TextFiles.read(data);
    TextFiles[] parts = files.split(share);
    return of(parts[0], parts[1], documents, tokenizer, List.of(files));
  }

  /**
   * Reads a text, and another that is held out.
   *
   * @param data a file, or a folder, all of whose files are read by their names
   * @param validation the same, of what is held out
   * @throws IllegalArgumentException if one cannot be read, or is empty
   */
  public static TrainingText read(
      Path data, Path validation, Documents documents, Tokenizer tokenizer) {
    TextFiles files = TextFiles.read(data);
    TextFiles other = TextFiles.read(validation);
    return of(files, other, documents, tokenizer, List.of(files, other));
  }

  private static TrainingText of(
      TextFiles data,
      TextFiles heldOut,
      Documents documents,
      Tokenizer tokenizer,
      List<TextFiles> all) {
    Args.present("what a document is", documents);
    Args.present("a tokenizer", tokenizer);
    TokenText learnt = TokenText.of(data, documents, tokenizer);
    if (learnt.count() < 2) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a text of at least 2 tokens to learn from in %s, got %d",
              data.path(),
              learnt.count()));
    }
    TokenText held = TokenText.of(heldOut, documents, tokenizer);
    return new TrainingText(learnt, held, TextFiles.sha256(all));
  }

  /**
   * Refuses a text with tokens that a model does not have.
   *
   * @param vocabulary of the model
   * @throws IllegalArgumentException if there is such a token
   */
  public void requireVocabulary(int vocabulary) {
    int largest = Math.max(learnt.largest(), heldOut.largest());
    if (largest >= vocabulary) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected tokens below the model's vocabulary %d, got %d",
              vocabulary,
              largest));
    }
  }
}
