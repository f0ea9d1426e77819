package org.retention4j.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** A tokenizer.json of the Hugging Face hub, read by the hub's own library. */
public final class JsonTokenizer implements Tokenizer {
  private final HuggingFaceTokenizer tokenizer;

  private JsonTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException if it is missing, empty or no tokenizer
   */
  public static JsonTokenizer open(Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) == 0) {
        throw new IllegalArgumentException(
            "expected a tokenizer.json, got no file or an empty one at " + file);
      }
      // Texts are not cut or padded to the length a training run had.
      Map<String, String> options =
          Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "true");
      return new JsonTokenizer(HuggingFaceTokenizer.newInstance(file, options));
    } catch (IOException | RuntimeException e) {
      if (e instanceof IllegalArgumentException refused) {
        throw refused;
      }
      throw new IllegalArgumentException(
          "expected a tokenizer.json, got " + file + ", which cannot be read: " + e.getMessage(),
          e);
    }
  }

  @Override
  public int[] encode(String text) {
    return Arrays.stream(tokenizer.encode(text).getIds()).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public String decode(int... tokens) {
    return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
  }

  @Override
  public String name() {
    return "tokenizer.json";
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
