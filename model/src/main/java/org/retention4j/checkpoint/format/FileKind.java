package org.retention4j.checkpoint.format;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;

/**
 * What people have where weights or a description of them should be, by its first bytes, and what
 * they can do about it.
 *
 * @since 0.1
 */
public final class FileKind {
  /** As many bytes as tell one from another. */
  static final int BYTES = 1024;

  private static final Pattern LFS_SIZE = Pattern.compile("\nsize ([0-9]+)");
  private static final String CONVERT = "; save it as safetensors where it was made";
  private static final String UNPACK = "; unpack it first";

  private FileKind() {}

  /**
   * Returns what a file is that is not what it should be, if that can be told.
   *
   * @param start its first bytes, at most {@value #BYTES} of which are looked at
   */
  public static Optional<String> of(byte[] start) {
    return Optional.ofNullable(kind(latin(start)));
  }

  /** Returns the same where no text is expected. */
  static Optional<String> ofBinary(byte[] start) {
    String kind = kind(latin(start));
    return Optional.ofNullable(kind == null ? text(start) : kind);
  }

  /** A character for each byte. */
  private static String latin(byte[] start) {
    return new String(start, 0, Math.min(start.length, BYTES), StandardCharsets.ISO_8859_1);
  }

  private static String kind(String text) {
    if (text.isEmpty()) {
      return "an empty file";
    }
    if (text.startsWith("version https://git-lfs.github.com/spec/")) {
      return "a Git LFS pointer" + lfsSize(text) + ": fetch the file itself by git lfs pull";
    }
    String trimmed = trimmed(text).toLowerCase(Locale.ROOT);
    if (trimmed.startsWith("<!doctype") || trimmed.matches("(?s)<(html|head|body|\\?xml|!--).*")) {
      return "a web page" + title(text) + ": what was downloaded is a page about the file";
    }
    return binary(text);
  }

  private static String binary(String text) {
    if (text.startsWith("GGUF") || text.startsWith("tjgg") || text.startsWith("lmgg")) {
      return "a GGUF file of llama.cpp; the model in its original format is needed";
    }
    if (text.startsWith("\u0089HDF\r\n")) {
      return "an HDF5 file of TensorFlow or Keras" + CONVERT;
    }
    if (text.startsWith("PK\u0003\u0004")) {
      return "a zip file, as PyTorch saves its own (.bin, .pt)" + CONVERT;
    }
    if (text.matches("(?s)\u0080[\u0002-\u0005].*")) {
      return "a pickle, as older PyTorch saves its own (.bin, .pt)" + CONVERT;
    }
    if (text.matches(
        "(?s)([\u0081-\u008f]|\u00de..|\u00df....)([\u00a1-\u00bf]|\u00d9.)[a-z_].*")) {
      return "a MessagePack file of Flax" + CONVERT;
    }
    if (text.matches("(?s)\n.{1,2}\n.<(unk|pad|s|/s)>.*")) {
      return "a model of SentencePiece";
    }
    if (text.startsWith("\u0093NUMPY")) {
      return "an array of NumPy";
    }
    if (text.startsWith("\u001f\u008b") || text.startsWith("\u00fd7zXZ")) {
      return "a compressed file" + UNPACK;
    }
    if (text.startsWith("(\u00b5/\u00fd") || text.startsWith("BZh")) {
      return "a compressed file" + UNPACK;
    }
    if (text.startsWith("\u00ff\u00fe") || text.startsWith("\u00fe\u00ff")) {
      return "a text in UTF-16";
    }
    if (text.length() >= 16 && text.chars().allMatch(c -> c == 0)) {
      return "zeros: room for a download of which nothing has come";
    }
    return null;
  }

  private static String trimmed(String text) {
    return (text.startsWith("\u00ef\u00bb\u00bf") ? text.substring(3) : text).strip();
  }

  private static String lfsSize(String text) {
    Matcher size = LFS_SIZE.matcher(text);
    return size.find() ? ", which stands for " + size.group(1) + " bytes" : "";
  }

  private static String title(String text) {
    Matcher title = Pattern.compile("(?is)<title>(.*?)</title>").matcher(text);
    return title.find() ? " (\"" + Shown.name(title.group(1).strip()) + "\")" : "";
  }

  private static String text(byte[] start) {
    String text = new String(start, 0, Math.min(start.length, BYTES), StandardCharsets.UTF_8);
    String line = text.strip().lines().findFirst().orElse("");
    // A character that is cut off where the bytes end is no fault.
    String whole = text.substring(0, Math.max(0, text.length() - 1));
    boolean reads =
        whole.chars().allMatch(c -> (c >= ' ' && c != 0x7f && c != 0xfffd) || isBlank(c));
    return reads ? "a text that begins with \"" + Shown.name(line) + "\"" : null;
  }

  private static boolean isBlank(int c) {
    return c >= '\t' && c <= '\r';
  }
}
