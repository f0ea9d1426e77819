package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import org.retention4j.args.Shown;

/**
 * A file that is written beside its place, synced, and renamed into it when it is whole. Closed
 * before that, it leaves nothing. A file that has the place already stays what it was, unless it is
 * to be replaced or holds nothing.
 *
 * @since 0.1
 */
public final class PendingFile implements AutoCloseable {
  /** As many links one after the other as systems follow. */
  private static final int LINKS = 40;

  private static final Set<StandardOpenOption> NEW =
      Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;
  private final boolean replace;
  private Object key;
  private boolean appeared;
  private boolean synced;
  private boolean closed;

  private PendingFile(Path target, boolean replace, FileAttribute<?>... attributes) {
    this.target = target;
    this.replace = replace;
    Path folder = target.toAbsolutePath().getParent();
    String name = "." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp";
    temporary = folder.resolve(name);
    try {
      channel = create(temporary, attributes);
    } catch (IOException e) {
      Unfinished.remove(temporary);
      throw new CheckpointException("cannot write " + target + ": " + reason(e, folder), e);
    }
  }

  private static FileChannel create(Path temporary, FileAttribute<?>... attributes)
      throws IOException {
    FileChannel[] made = new FileChannel[1];
    Unfinished.undisturbed(
        () -> {
          Unfinished.add(temporary);
          made[0] = FileChannel.open(temporary, NEW, attributes);
        });
    return made[0];
  }

  /**
   * Begins a file that stands alone; where a link has its place, what that points to is written.
   *
   * @param replace whether a file that is there already may go
   */
  public static PendingFile of(Path path, boolean replace) {
    return new PendingFile(target(path, replace), replace);
  }

  /**
   * Begins a file that replaces one that is there, and that nobody but its owner may read or write,
   * where the file system knows that.
   */
  public static PendingFile ownerOnly(Path path) {
    Path target = target(path, true);
    return new PendingFile(target, true, ownersAlone(target, "rw-------"));
  }

  /**
   * Returns permissions for what is made at a place; none where the file system has none.
   *
   * @param permissions as in {@code rw-------}
   */
  public static FileAttribute<?>[] ownersAlone(Path place, String permissions) {
    if (!place.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return new FileAttribute<?>[0];
    }
    return new FileAttribute<?>[] {
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
    };
  }

  private static Path target(Path path, boolean replace) {
    Path target = real(path);
    if (Files.isDirectory(target)) {
      throw new CheckpointException("expected a file to write to, got the folder " + path);
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new CheckpointException(
          "expected a regular file to write to, got a device or a pipe, " + path);
    }
    if (!replace && Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !isEmpty(target)) {
      throw taken(path);
    }
    return target;
  }

  /** Begins one of several files of a folder, which takes no place that is taken. */
  static PendingFile in(Path folder, String name) {
    return new PendingFile(folder.resolve(name), false);
  }

  private static String reason(IOException e, Path folder) {
    if (e instanceof NoSuchFileException) {
      return Files.isDirectory(folder) ? "its folder takes no files" : "no such folder";
    }
    return Shown.reason(e);
  }

  /** Returns the file that a link points to, even if it is not there yet. */
  private static Path real(Path target) {
    try {
      Path at = target;
      for (int i = 0; i < LINKS && Files.isSymbolicLink(at); i++) {
        at = at.resolveSibling(Files.readSymbolicLink(at));
      }
      return at;
    } catch (IOException e) {
      throw new CheckpointException("cannot read the link " + target + ": " + Shown.reason(e), e);
    }
  }

  /** Returns whether nothing is lost with a file; programs that reserve a name leave such ones. */
  private static boolean isEmpty(Path path) {
    try {
      return Files.isRegularFile(path) && Files.size(path) == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** The cause is what tells this from other failures. */
  private static CheckpointException taken(Path path) {
    return new CheckpointException(
        "expected no file that would be lost, got " + path + ", which is there already",
        new FileAlreadyExistsException(path.toString()));
  }

  /** Writes all that remains of a buffer. */
  public void write(long at, ByteBuffer from) {
    long place = at;
    try {
      while (from.hasRemaining()) {
        place += channel.write(from, place);
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Copies a whole file. */
  public void write(Path file) {
    try (FileChannel from = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = from.size();
      for (long done = 0; done < size; ) {
        long more = from.transferTo(done, size - done, channel.position(done));
        if (more <= 0) {
          throw new IOException("expected " + size + " bytes, got " + done);
        }
        done += more;
      }
    } catch (IOException e) {
      throw CheckpointException.of("copy " + file + " to " + target, e);
    }
  }

  /** Puts everything on the disk; the file does not appear yet. */
  public void sync() {
    if (synced) {
      return;
    }
    try {
      channel.force(true);
      channel.close();
      synced = true;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /**
   * Makes the file appear.
   *
   * @throws CheckpointException if another has appeared there meanwhile, which stays then
   */
  public void finish() {
    sync();
    try {
      Unfinished.undisturbed(
          () -> {
            if (replace || isEmpty(target)) {
              moveOver(temporary, target);
            } else {
              moveBeside(temporary, target);
            }
          });
    } catch (FileAlreadyExistsException e) {
      throw taken(target);
    } catch (IOException e) {
      throw failed(e);
    }
    close();
    PendingFolder.sync(target.toAbsolutePath().getParent());
  }

  private RuntimeException failed(IOException e) {
    return CheckpointException.of("write " + target, e);
  }

  private static void moveOver(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Puts a file into a place that must be free, at which a rename would not look. */
  private static void moveBeside(Path from, Path to) throws IOException {
    try {
      Files.createLink(to, from);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      // No links here: looked at first, then renamed.
      Files.move(from, to);
    }
  }

  /** Takes the place, which must be free; {@link #takeBack} leaves it again. */
  void place() throws IOException {
    key = key(temporary);
    moveBeside(temporary, target);
    appeared = true;
  }

  /** Leaves the place, unless something else has come there. */
  void takeBack() throws IOException {
    if (appeared
        && Files.exists(target, LinkOption.NOFOLLOW_LINKS)
        && Objects.equals(key(target), key)) {
      Files.delete(target);
    }
  }

  /** Returns what tells a file from others; null where the system has no such thing. */
  private static Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      try {
        channel.close();
      } finally {
        Files.deleteIfExists(temporary);
        Unfinished.remove(temporary);
      }
    } catch (IOException e) {
      throw new CheckpointException("cannot remove " + temporary + ": " + Shown.reason(e), e);
    }
  }
}
