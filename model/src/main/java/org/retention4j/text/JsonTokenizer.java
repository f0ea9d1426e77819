package org.retention4j.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.FileKind;
import org.retention4j.text.internal.json.ByteRuns;
import org.retention4j.text.internal.json.Surroundings;
import org.retention4j.text.internal.json.TokenizerJson;

/**
 * A local {@code tokenizer.json} of Hugging Face, read by their own library through DJL.
 *
 * <p>Nothing is fetched from a network. Truncation and padding that the file asks for are left out:
 * a prompt keeps all its tokens and gets no others. Holds native memory until it is closed.
 *
 * @since 0.1
 */
public final class JsonTokenizer implements Tokenizer {
  private final TokenizersLibrary library;
  private final String name;
  private final int vocabulary;
  private final boolean addSpecialTokens;
  private final Map<String, Integer> special;
  private final int longestText;
  private final Surroundings surroundings;

  /** Null where no tokens stand for bytes. */
  private final ByteRuns byteRuns;

  /** Many may use the native tokenizer at once, none while it is freed. */
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  private long handle;

  private JsonTokenizer(
      TokenizersLibrary library,
      String name,
      TokenizerJson json,
      int vocabulary,
      boolean addSpecialTokens) {
    this.library = library;
    this.name = name;
    this.vocabulary = vocabulary;
    this.addSpecialTokens = addSpecialTokens;
    special = Collections.unmodifiableMap(json.special());
    longestText = json.longestText();
    surroundings = json.surroundings();
    byteRuns = json.byteRuns();
    String checked = json.checked(name, library);
    try {
      handle = library.createTokenizerFromString(checked);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "expected a Hugging Face tokenizer in " + name + ", got: " + Shown.name(reason(e)), e);
    }
  }

  private static String reason(RuntimeException e) {
    return String.valueOf(e.getMessage());
  }

  /** Opens a file whose special tokens, such as the begin of a text, are added by encode. */
  public static JsonTokenizer open(Path file, int vocabulary) {
    return open(file, vocabulary, true);
  }

  /**
   * Opens a file.
   *
   * @param vocabulary of the model, &gt;= 1; the file's may be smaller or larger
   * @param addSpecialTokens whether encode adds the special tokens that the file asks for
   * @throws IllegalArgumentException if the file is missing, cannot be read, is empty or no
   *     tokenizer, or holds anything that the native library does not know, naming the key
   * @throws UnsupportedOperationException on a platform without the native library
   */
  public static JsonTokenizer open(Path file, int vocabulary, boolean addSpecialTokens) {
    Text.checkVocabulary(vocabulary);
    TokenizerJson json = new TokenizerJson(file.toString(), read(file));
    return new JsonTokenizer(
        NativeTokenizers.library(), file.toString(), json, vocabulary, addSpecialTokens);
  }

  private static String read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          "expected a tokenizer file, got none, or a folder, at " + file);
    }
    String json;
    try {
      byte[] bytes = Files.readAllBytes(file);
      FileKind.of(bytes)
          .filter(kind -> bytes.length > 0)
          .ifPresent(
              kind -> {
                throw new IllegalArgumentException(
                    "expected a Hugging Face tokenizer, got " + kind + ", in " + file);
              });
      json = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("expected UTF-8 in the tokenizer file " + file, e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "cannot read the tokenizer file " + file + ": " + e.getMessage(), e);
    }
    if (json.isBlank()) {
      throw new IllegalArgumentException("expected a tokenizer, got the empty file " + file);
    }
    return json;
  }

  /**
   * {@inheritDoc}
   *
   * @param text an unpaired surrogate is encoded as U+FFFD
   * @throws IllegalArgumentException also if the tokenizer cannot encode the text, or if it is too
   *     long to be encoded at once, see {@link #longestText}: by how far the file's parts may
   *     lengthen it and its regular expressions some hundred thousand to four million characters,
   *     fewer for odd files
   * @throws IllegalStateException if this tokenizer is closed
   */
  @Override
  public int[] encode(String text) {
    return encode(text, addSpecialTokens);
  }

  @Override
  public int[] encodeMore(String text) {
    return encode(text, false);
  }

  private int[] encode(String text, boolean special) {
    Args.present("a text", text);
    if (text.length() > longestText) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at most %d characters to be encoded at once with %s, got %d: give them in"
                  + " pieces",
              longestText,
              name,
              text.length()));
    }
    Lock reading = lock.readLock();
    reading.lock();
    try {
      long encoding = encoding(open(), Text.wellFormed(text), special);
      try {
        return checked(library.getTokenIds(encoding));
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      reading.unlock();
    }
  }

  /** A tokenizer without a token for what it does not know fails at what it does not know. */
  private long encoding(long tokenizer, String text, boolean special) {
    try {
      return library.encode(tokenizer, text, special);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "expected a text that " + name + " can encode, got: " + Shown.name(reason(e)), e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>Special tokens and tokens that the file does not know have no text. Of tokens that stand for
   * bytes, those that belong to no character become U+FFFD, one each.
   *
   * @throws IllegalStateException if this tokenizer is closed
   */
  @Override
  public String decode(int[] tokens) {
    Text.checkTokens(tokens);
    long[] ids =
        byteRuns == null
            ? Arrays.stream(tokens).asLongStream().toArray()
            : byteRuns.repaired(tokens);
    Lock reading = lock.readLock();
    reading.lock();
    try {
      return library.decode(open(), ids, true);
    } finally {
      reading.unlock();
    }
  }

  @Override
  public Map<String, Integer> specialTokens() {
    return special;
  }

  /** Returns the tokens that the file puts around a text. */
  Surroundings surroundings() {
    return surroundings;
  }

  @Override
  public int longestText() {
    return longestText;
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (handle != 0) {
        library.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      writing.unlock();
    }
  }

  private long open() {
    if (handle == 0) {
      throw new IllegalStateException("the tokenizer of " + name + " is closed");
    }
    return handle;
  }

  private int[] checked(long[] ids) {
    int[] tokens = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= vocabulary) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected tokens below the model's vocabulary %d, got %d from %s",
                vocabulary,
                ids[i],
                name));
      }
      tokens[i] = Math.toIntExact(ids[i]);
    }
    return tokens;
  }
}
