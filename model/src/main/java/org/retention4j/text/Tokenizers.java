package org.retention4j.text;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the tokenizer of a model folder. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * Returns the folder's tokenizer.json, or bytes if it has none.
   *
   * @param vocabulary the model's
   * @throws IllegalArgumentException if the tokenizer cannot be read, or is of a kind that is not
   */
  public static Tokenizer forFolder(Path folder, int vocabulary) {
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      return JsonTokenizer.open(json);
    }
    for (String other : new String[] {"tokenizer.model", "spiece.model", "vocab.json"}) {
      if (Files.exists(folder.resolve(other))) {
        throw new IllegalArgumentException(
            "expected a tokenizer.json in "
                + folder
                + ", got only a "
                + other
                + ", which is not supported: convert it with the tokenizer's own tools");
      }
    }
    return new ByteTokenizer(vocabulary);
  }
}
