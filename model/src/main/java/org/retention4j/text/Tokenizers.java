package org.retention4j.text;

import java.nio.file.Files;
import java.nio.file.Path;
import org.retention4j.checkpoint.Checkpoint;

/** Finds the tokenizer of a model. */
public final class Tokenizers {
  private static final String JSON = "tokenizer.json";
  private static final String SENTENCE_PIECE = "tokenizer.model";

  private Tokenizers() {}

  /**
   * Returns the tokenizer of a checkpoint, see {@link #forFolder}.
   *
   * @throws IllegalArgumentException as {@link #forFolder} does
   */
  public static Tokenizer forCheckpoint(Checkpoint checkpoint) {
    return forFolder(checkpoint.folder(), checkpoint.config().vocabulary());
  }

  /** Returns whether a folder's tokens are bytes, for want of a tokenizer. */
  static boolean areBytes(Path modelFolder) {
    return !Files.exists(modelFolder.resolve(JSON));
  }

  /**
   * Returns the tokenizer of a model folder: its {@code tokenizer.json}, or bytes where the folder
   * holds no tokenizer.
   *
   * @param vocabulary of the model, >= 1
   * @throws IllegalArgumentException if there is no such folder, if it holds only a SentencePiece
   *     model, or if its {@code tokenizer.json} is no tokenizer
   */
  public static Tokenizer forFolder(Path modelFolder, int vocabulary) {
    if (!Files.isDirectory(modelFolder)) {
      throw new IllegalArgumentException("expected a model folder, got no folder " + modelFolder);
    }
    Path json = modelFolder.resolve(JSON);
    if (!areBytes(modelFolder)) {
      return JsonTokenizer.open(json, vocabulary);
    }
    Path sentencePiece = modelFolder.resolve(SENTENCE_PIECE);
    if (Files.exists(sentencePiece)) {
      throw new IllegalArgumentException(
          "expected "
              + JSON
              + ", or no tokenizer for byte tokens, got "
              + sentencePiece
              + ": SentencePiece files are not supported; save the tokenizer as "
              + JSON
              + " with Hugging Face's fast tokenizers");
    }
    return new ByteTokenizer(vocabulary);
  }
}
