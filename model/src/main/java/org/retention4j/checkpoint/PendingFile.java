package org.retention4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A file that is written beside its place, synced, and renamed into it when it is whole. Closed
 * before that, it leaves nothing.
 */
final class PendingFile implements AutoCloseable {
  /** As many links one after the other as systems follow. */
  private static final int LINKS = 40;

  /** Temporary files, which go too when the virtual machine ends early, by Ctrl-C for instance. */
  private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  /** Folders that were made for such files, which go too if they are empty then. */
  private static final Set<Path> FOLDERS = ConcurrentHashMap.newKeySet();

  private static volatile boolean ending;

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(PendingFile::removeAll));
  }

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;
  private boolean synced;
  private boolean finished;
  private boolean closed;

  /** Creates the temporary file in the folder of the target, or of what it links to. */
  PendingFile(Path target) {
    if (Files.isDirectory(target)) {
      throw new CheckpointException("expected a file to write to, got the folder " + target);
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new CheckpointException(
          "expected a regular file to write to, got a device or a pipe, " + target);
    }
    this.target = real(target);
    Path folder = this.target.toAbsolutePath().getParent();
    String name = "." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp";
    temporary = folder.resolve(name);
    OPEN.add(temporary);
    if (ending) {
      throw new IllegalStateException("the virtual machine ends");
    }
    try {
      channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (IOException e) {
      OPEN.remove(temporary);
      throw new CheckpointException("cannot write " + target + ": " + reason(e, folder), e);
    }
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

  /** Notes a folder that was made for files which are pending, or that it shall stay. */
  static void noteFolder(Path folder, boolean pending) {
    if (pending) {
      FOLDERS.add(folder);
    } else {
      FOLDERS.remove(folder);
    }
  }

  private static void removeAll() {
    ending = true;
    OPEN.forEach(PendingFile::remove);
    FOLDERS.forEach(PendingFile::remove);
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // Nobody is left to be told; or a folder that something else was put into.
    }
  }

  /** Writes all that remains of a buffer. */
  void write(long at, ByteBuffer from) {
    long place = at;
    try {
      while (from.hasRemaining()) {
        place += channel.write(from, place);
      }
    } catch (IOException e) {
      throw new CheckpointException("cannot write " + target + ": " + Shown.reason(e), e);
    }
  }

  /** Copies a whole file. */
  void write(Path file) {
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
      throw new CheckpointException(
          "cannot copy " + file + " to " + target + ": " + Shown.reason(e), e);
    }
  }

  /** Puts everything on the disk; the file does not appear yet. */
  void sync() {
    try {
      channel.force(true);
      channel.close();
      synced = true;
    } catch (IOException e) {
      throw new CheckpointException("cannot write " + target + ": " + Shown.reason(e), e);
    }
  }

  /** Makes the file appear, in place of one of that name. */
  void finish() {
    if (!synced) {
      sync();
    }
    try {
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
      OPEN.remove(temporary);
      closed = true;
      finished = true;
    } catch (IOException e) {
      throw new CheckpointException("cannot write " + target + ": " + Shown.reason(e), e);
    }
  }

  /** Takes the file away again if it has appeared. */
  void withdraw() {
    try {
      if (finished) {
        Files.deleteIfExists(target);
      }
    } catch (IOException e) {
      throw new CheckpointException("cannot remove " + target + ": " + Shown.reason(e), e);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      channel.close();
      Files.deleteIfExists(temporary);
      OPEN.remove(temporary);
    } catch (IOException e) {
      throw new CheckpointException("cannot remove " + temporary + ": " + Shown.reason(e), e);
    }
  }
}
