package org.retention4j.train.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;

/**
 * Files as they are, byte for byte: one file, or all regular files of a folder and of the folders
 * in it, by their names. Hidden ones, whose names begin with a point, are left out.
 *
 * @since 0.1
 */
public final class TextFiles {
  private final Path path;
  private final List<Path> names;
  private final List<byte[]> contents;

  private TextFiles(Path path, List<Path> names, List<byte[]> contents) {
    this.path = path;
    this.names = names;
    this.contents = contents;
  }

  /**
   * Reads them.
   *
   * @param path of a file or a folder
   * @throws IllegalArgumentException if there is none, if one cannot be read, or if nothing is in
   *     them
   */
  public static TextFiles read(Path path) {
    Args.present("a file or folder of text", path);
    List<Path> names = names(path);
    List<byte[]> contents = new ArrayList<>();
    for (Path name : names) {
      try {
        contents.add(Files.readAllBytes(name));
      } catch (IOException e) {
        throw unreadable(name, e);
      }
    }
    TextFiles files = new TextFiles(path, names, contents);
    if (files.bytes() == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected text in %s, got %s",
              path,
              names.isEmpty()
                  ? "a folder without files"
                  : names.size() == 1 ? "an empty file" : names.size() + " empty files"));
    }
    return files;
  }

  private static List<Path> names(Path path) {
    if (Files.isRegularFile(path)) {
      return List.of(path);
    }
    if (!Files.isDirectory(path)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a file or a folder of text at %s, got %s",
              path,
              Files.exists(path) ? "a device or a pipe" : "none"));
    }
    try (Stream<Path> files = Files.walk(path)) {
      return files
          .filter(file -> Files.isRegularFile(file) && !isHidden(path.relativize(file)))
          .sorted((a, b) -> key(path, a).compareTo(key(path, b)))
          .toList();
    } catch (IOException e) {
      throw unreadable(path, e);
    } catch (UncheckedIOException e) {
      throw unreadable(path, e.getCause());
    }
  }

  /** The same order on every system. */
  private static String key(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }

  private static boolean isHidden(Path relative) {
    for (Path part : relative) {
      if (part.toString().startsWith(".")) {
        return true;
      }
    }
    return false;
  }

  private static IllegalArgumentException unreadable(Path path, IOException e) {
    return new IllegalArgumentException("cannot read " + path + ": " + Shown.reason(e), e);
  }

  /** Returns the file or folder. */
  public Path path() {
    return path;
  }

  /** Returns the files, in order. */
  public List<Path> names() {
    return names;
  }

  /** Returns how many bytes are in them. */
  public long bytes() {
    return contents.stream().mapToLong(content -> content.length).sum();
  }

  /** Returns what is in them, in order. */
  List<byte[]> contents() {
    return contents;
  }

  /**
   * Cuts the last share off: at the end of the line in which it would begin, else at a character.
   *
   * @param share of the bytes, in 0…1
   * @return what comes before, and the last
   */
  TextFiles[] split(double share) {
    long point = bytes() - (long) Math.ceil(bytes() * share);
    List<byte[]> before = new ArrayList<>();
    List<byte[]> last = new ArrayList<>();
    long at = 0;
    for (byte[] content : contents) {
      int cut = cut(content, (int) Math.max(0, Math.min(content.length, point - at)));
      before.add(Arrays.copyOf(content, cut));
      last.add(Arrays.copyOfRange(content, cut, content.length));
      at += content.length;
    }
    return new TextFiles[] {
      new TextFiles(path, names, before), new TextFiles(path, names, last),
    };
  }

  private static int cut(byte[] content, int near) {
    if (near == 0 || near == content.length) {
      return near;
    }
    for (int i = near; i > near / 2; i--) {
      if (content[i - 1] == '\n') {
        return i;
      }
    }
    int at = near;
    while (at > 0 && (content[at] & 0xC0) == 0x80) {
      at--;
    }
    return at;
  }

  /** Adds all that tells these from others: how many there are, and the bytes of each. */
  void digest(MessageDigest digest) {
    digest.update(longBytes(contents.size()));
    for (byte[] content : contents) {
      digest.update(longBytes(content.length));
      digest.update(content);
    }
  }

  private static byte[] longBytes(long value) {
    return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
  }

  /** Returns the sha256 of several, one after the other, in hexadecimal digits. */
  static String sha256(List<TextFiles> files) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      files.forEach(some -> some.digest(digest));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
