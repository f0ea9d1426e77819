package org.retention4j.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.PendingFile;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;

/** The files of sessions, in a folder that is one process's as long as this is open. */
final class SessionFolder implements AutoCloseable {
  /** No separator, no dot at the beginning, nothing that a shell or a terminal takes amiss. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  private static final String SUFFIX = ".session";
  private static final String LOCK = ".lock";

  /** What a process that was killed has left of a file that it wrote. */
  private static final Pattern UNFINISHED = Pattern.compile("\\..*\\.session\\.[0-9a-f]+\\.tmp");

  private final Path folder;
  private final FileChannel channel;

  /** Held until the channel is closed. */
  @SuppressWarnings("unused")
  private final FileLock lock;

  private SessionFolder(Path folder, FileChannel channel, FileLock lock) {
    this.folder = folder;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Takes a folder, which is made if there is none, and removes what a killed process has left
   * half-written.
   *
   * @throws IllegalArgumentException if it is another's, no folder, or takes no files
   */
  static SessionFolder open(Path given) {
    FileChannel channel = null;
    try {
      Files.createDirectories(given, PendingFile.ownersAlone(given, "rwx------"));
      Path folder = given.toRealPath();
      channel =
          FileChannel.open(
              folder.resolve(LOCK),
              Set.of(
                  StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
              PendingFile.ownersAlone(folder, "rw-------"));
      FileLock lock = lock(channel);
      if (lock == null) {
        channel.close();
        throw new IllegalArgumentException(
            "expected a folder of sessions that no other server uses, got " + given);
      }
      Path probe = Files.createTempFile(folder, ".probe", ".tmp"); // or it takes no files
      Files.delete(probe);
      removeUnfinished(folder);
      return new SessionFolder(folder, channel, lock);
    } catch (IOException e) {
      close(channel);
      throw new IllegalArgumentException(
          "expected a folder for sessions that can be written, got "
              + given
              + ": "
              + Shown.reason(e),
          e);
    }
  }

  private static FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another server of this process
    }
  }

  private static void close(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // What went wrong before is told.
    }
  }

  private static void removeUnfinished(Path folder) throws IOException {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(
            folder, file -> UNFINISHED.matcher("" + file.getFileName()).matches())) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
  }

  /** Refuses a name that is no session's. */
  static String checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw HttpFailure.field(
          "name",
          "expected a name of 1 to 64 letters, digits, '.', '_' and '-' that begins with a letter"
              + " or digit, got '"
              + Shown.name(name)
              + "'");
    }
    return name;
  }

  /**
   * Returns the names of the sessions that lie here.
   *
   * @throws IllegalArgumentException if two differ only in case: one would hide the other
   */
  Set<String> names() {
    Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        name = name.substring(0, name.length() - SUFFIX.length());
        if (NAME.matcher(name).matches() && isFile(file) && !names.add(name)) {
          throw new IllegalArgumentException(
              "expected sessions whose names differ in more than case in "
                  + folder
                  + ", got two called "
                  + name);
        }
      }
      return names;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "cannot read the folder " + folder + ": " + Shown.reason(e), e);
    }
  }

  private static boolean isFile(Path file) {
    return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Returns a session's file.
   *
   * @throws HttpFailure if a link or something else has its place: nothing is read or written
   *     through it
   */
  Path file(String name) {
    Path file = folder.resolve(checkName(name) + SUFFIX);
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !isFile(file)) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "not_a_file",
          "expected a regular file or none for the session " + name + ", got something else");
    }
    return file;
  }

  /**
   * Returns a session's file that is there.
   *
   * @throws HttpFailure if it is not, or something else has its place
   */
  Path existing(String name) {
    Path file = file(name);
    if (!has(name)) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "snapshot_missing",
          "expected the file of the session " + name + ", got none");
    }
    return file;
  }

  boolean has(String name) {
    return isFile(folder.resolve(name + SUFFIX));
  }

  /** Returns at which position a session was saved, −1 where that cannot be read. */
  long position(String name) {
    try (FileChannel from = FileChannel.open(file(name), StandardOpenOption.READ)) {
      SnapshotHeader header = new SnapshotReader(from, from.size(), Long.MAX_VALUE).header();
      return header.rows() == 1 ? header.positions().get(0) : -1;
    } catch (IOException e) {
      return -1;
    }
  }

  void delete(String name) throws IOException {
    Files.deleteIfExists(file(name));
    try (FileChannel all = FileChannel.open(folder, StandardOpenOption.READ)) {
      all.force(true);
    }
  }

  @Override
  public void close() {
    close(channel);
  }
}
