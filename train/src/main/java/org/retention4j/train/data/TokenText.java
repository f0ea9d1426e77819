package org.retention4j.train.data;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.retention4j.args.Args;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Tokenizer;

/**
 * Documents as tokens, one after the other.
 *
 * @since 0.1
 */
public final class TokenText {
  private final int[] tokens;
  private final int[] starts;
  private final long bytes;

  private TokenText(int[] tokens, int[] starts, long bytes) {
    this.tokens = tokens;
    this.starts = starts;
    this.bytes = bytes;
  }

  /**
   * Returns tokens that a caller has.
   *
   * @param tokens of all documents, which become this text's
   * @param starts the first token of each document, ascending, beginning with 0
   * @param bytes that they stand for, at least 0
   * @throws IllegalArgumentException if the starts do not ascend from 0 within the tokens
   */
  public static TokenText of(int[] tokens, int[] starts, long bytes) {
    Args.present("tokens", tokens);
    Args.present("starts of documents", starts);
    boolean right = tokens.length == 0 ? starts.length == 0 : starts.length > 0 && starts[0] == 0;
    for (int i = 1; i < starts.length && right; i++) {
      right = starts[i] > starts[i - 1] && starts[i] < tokens.length;
    }
    if (!right) {
      throw new IllegalArgumentException(
          "expected starts of documents that ascend from 0 within "
              + tokens.length
              + " tokens, got "
              + Arrays.toString(Arrays.copyOf(starts, Math.min(starts.length, 10))));
    }
    return new TokenText(tokens, starts.clone(), bytes);
  }

  /**
   * Tokenizes files. Bytes are taken as they are, whatever they are; a tokenizer of another kind
   * must be given UTF-8, and reads a long document in pieces that end at a line or a word.
   *
   * @throws IllegalArgumentException if a file is not what the tokenizer reads, naming it
   */
  static TokenText of(TextFiles files, Documents documents, Tokenizer tokenizer) {
    Tokens all = new Tokens();
    Tokens starts = new Tokens();
    long bytes = 0;
    for (int i = 0; i < files.names().size(); i++) {
      for (byte[] document : documents.of(files.contents().get(i))) {
        int start = all.count();
        append(all, document, files.names().get(i), tokenizer);
        if (all.count() > start) {
          starts.add(start);
        }
        bytes += document.length;
      }
    }
    return new TokenText(all.toArray(), starts.toArray(), bytes);
  }

  private static void append(Tokens all, byte[] document, Path name, Tokenizer tokenizer) {
    if (tokenizer instanceof ByteTokenizer && tokenizer.vocabulary() >= 1 << Byte.SIZE) {
      all.add(document);
      return;
    }
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document)).toString();
      int longest = tokenizer.longestText();
      for (int at = 0; at < text.length(); ) {
        int end = end(text, at, longest);
        String piece = text.substring(at, end);
        all.add(at == 0 ? tokenizer.encode(piece) : tokenizer.encodeMore(piece));
        at = end;
      }
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("expected UTF-8 in " + name + ", got other bytes", e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(e.getMessage() + ", in " + name, e);
    }
  }

  private static int end(String text, int at, int longest) {
    if (text.length() - at <= longest) {
      return text.length();
    }
    int most = at + longest;
    for (char mark : new char[] {'\n', ' '}) {
      int found = text.lastIndexOf(mark, most - 1);
      if (found > at + longest / 2) {
        return mark == '\n' ? found + 1 : found;
      }
    }
    return Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
  }

  /** Returns how many tokens there are. */
  public int count() {
    return tokens.length;
  }

  /** Returns how many documents there are. */
  public int documents() {
    return starts.length;
  }

  /** Returns the bytes that the tokens stand for. */
  public long bytes() {
    return bytes;
  }

  /** Returns how many bytes a token stands for, on average. */
  public double bytesPerToken() {
    return tokens.length == 0 ? 1 : (double) bytes / tokens.length;
  }

  /** Returns some tokens, a copy. */
  public int[] tokens(int from, int to) {
    return Arrays.copyOfRange(tokens, from, to);
  }

  /** Returns the bytes of a text whose tokens are bytes. */
  public byte[] toBytes() {
    byte[] all = new byte[tokens.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) tokens[i];
    }
    return all;
  }

  int token(int at) {
    return tokens[at];
  }

  /** Returns where a document begins; where there is none of that number, the end. */
  int start(int document) {
    return document < starts.length ? starts[document] : tokens.length;
  }

  /** Returns the documents that begin at a token or behind it, by the number of the first. */
  int firstFrom(int token) {
    int at = Arrays.binarySearch(starts, token);
    return at >= 0 ? at : -at - 1;
  }

  /** Returns the largest token. */
  int largest() {
    return Arrays.stream(tokens).max().orElse(-1);
  }

  /** Numbers that grow. */
  static final class Tokens {
    private int[] numbers = new int[1 << 10];
    private int count;

    int count() {
      return count;
    }

    void add(int number) {
      room(1);
      numbers[count++] = number;
    }

    void add(int[] more) {
      room(more.length);
      System.arraycopy(more, 0, numbers, count, more.length);
      count += more.length;
    }

    void add(byte[] more) {
      room(more.length);
      for (byte one : more) {
        numbers[count++] = Byte.toUnsignedInt(one);
      }
    }

    private void room(int more) {
      if ((long) count + more > Integer.MAX_VALUE - 16) {
        throw new IllegalArgumentException(
            "expected a text of less than 2^31 tokens, got more; train on parts of it");
      }
      if (count + more > numbers.length) {
        long wanted = Math.max((long) numbers.length * 3 / 2, (long) count + more);
        numbers = Arrays.copyOf(numbers, (int) Math.min(wanted, Integer.MAX_VALUE - 16));
      }
    }

    int[] toArray() {
      return Arrays.copyOf(numbers, count);
    }
  }
}
