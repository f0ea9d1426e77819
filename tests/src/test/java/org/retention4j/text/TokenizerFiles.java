package org.retention4j.text;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The tokenizer files of these tests, each written down token by token: of every kind of model,
 * normalizer and decoder that published files have.
 */
final class TokenizerFiles {
  private TokenizerFiles() {}

  /**
   * Byte-level BPE as in GPT-2: 0..255 are the bytes, 256 "he", 257 "ll", 258 "hell", 259 "hello",
   * 260 " w", 261 the special token. Asks for truncation to 3 and padding to 8.
   */
  static Path byteLevel() {
    return file("byte-level.json");
  }

  /**
   * As in Llama: 0 unknown, 1 begin, 2 end, 3..258 the bytes, 259 "▁", 260 "h", 261 "i", 262 "hi",
   * 263 "▁hi", 264 "y", 265 "o", 266 "yo", 267 "▁yo". Encoding begins with token 1.
   */
  static Path metaspace() {
    return file("metaspace.json");
  }

  /** All files of these tests, for a model of any vocabulary. */
  static List<Path> all() {
    return Stream.of(
            "byte-level",
            "metaspace",
            "llama",
            "legacy",
            "split",
            "suffix",
            "unigram",
            "wordpiece",
            "words")
        .map(name -> file(name + ".json"))
        .toList();
  }

  /**
   * As Llama's own: bytes from token 3 on as in {@link #metaspace}, "▁hello" is 268, "▁world" 276.
   */
  static Path llama() {
    return file("llama.json");
  }

  private static Path file(String name) {
    try {
      return Path.of(TokenizerFiles.class.getResource("/tokenizers/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
