package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.retention4j.args.Shown;

/**
 * Files that appear in a folder together or not at all. They are written beside their places; when
 * all are whole, what has their places is set aside, and put back if one of them cannot take its
 * own. Of the files the last is the one that makes the others something: it goes first and comes
 * last, so that even a machine that stops in between leaves no mixture that could be taken for
 * whole.
 *
 * @since 0.1
 */
public final class PendingFolder implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PendingFolder.class.getName());

  private static final int MOST_NAMED = 5;

  private final Path folder;
  private final List<String> names;
  private final List<Path> old;
  private final List<Path> made = new ArrayList<>();
  private final Map<String, PendingFile> files = new LinkedHashMap<>();

  private PendingFolder(Path folder, List<String> names, List<Path> old) {
    this.folder = folder;
    this.names = names;
    this.old = old;
  }

  /**
   * Makes a folder if it is not there, and begins.
   *
   * @param names of all files that will appear, in order
   * @param obsolete names of files that must not remain beside them
   * @param replace whether files that have these names may go
   * @throws CheckpointException if the folder cannot be made, or holds what may not go
   */
  public static PendingFolder of(
      Path folder, List<String> names, Collection<String> obsolete, boolean replace) {
    Set<String> going = new LinkedHashSet<>(obsolete);
    going.addAll(names);
    List<Path> old =
        going.stream()
            .map(folder::resolve)
            .filter(path -> Files.exists(path, LinkOption.NOFOLLOW_LINKS))
            .collect(Collectors.toCollection(ArrayList::new));
    if (!old.isEmpty() && !replace) {
      throw taken(folder, old);
    }
    for (Path path : old) {
      if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) && !Files.isSymbolicLink(path)) {
        throw new CheckpointException(
            "expected a file that can be replaced, got a folder or a device, " + path);
      }
    }
    java.util.Collections.reverse(old);
    PendingFolder pending = new PendingFolder(folder, List.copyOf(names), old);
    try {
      pending.make();
      return pending;
    } catch (RuntimeException | Error e) {
      pending.removeMade();
      throw e;
    }
  }

  /** The cause is what tells this from other failures. */
  private static CheckpointException taken(Path folder, List<Path> old) {
    String some =
        old.stream()
            .limit(MOST_NAMED)
            .map(path -> path.getFileName().toString())
            .collect(Collectors.joining(", "));
    return new CheckpointException(
        String.format(
            Locale.ROOT,
            "expected a folder without a checkpoint, and without files that would be lost, got %s"
                + " with %s%s",
            folder,
            some,
            old.size() > MOST_NAMED ? " and others" : ""),
        new FileAlreadyExistsException(old.get(0).toString()));
  }

  private void make() {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path at = folder.toAbsolutePath(); at != null && !Files.exists(at); at = at.getParent()) {
      missing.push(at);
    }
    for (Path path : missing) {
      requireNoLink(path);
      try {
        Unfinished.undisturbed(
            () -> {
              Files.createDirectory(path);
              Unfinished.add(path);
            });
        made.add(path);
      } catch (IOException e) {
        if (!Files.isDirectory(path)) {
          throw new CheckpointException(
              "cannot make the folder " + folder + ": " + reason(e, path), e);
        }
      }
    }
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException("expected a folder to write to, got the file " + folder);
    }
  }

  /** A link to nothing has its place, and no folder can be made there. */
  private static void requireNoLink(Path path) {
    if (!Files.isSymbolicLink(path)) {
      return;
    }
    String there;
    try {
      there = " to " + Files.readSymbolicLink(path);
    } catch (IOException e) {
      there = "";
    }
    throw new CheckpointException(
        String.format(
            Locale.ROOT,
            "expected a folder to write to, or none yet, got %s, a link%s that leads to nothing:"
                + " make what it names, or remove it",
            path,
            there));
  }

  private static String reason(IOException e, Path path) {
    Path parent = path.getParent();
    return e instanceof NoSuchFileException && parent != null && Files.isDirectory(parent)
        ? parent + " takes no folders"
        : Shown.reason(e);
  }

  /** Begins one of the files. */
  public PendingFile add(String name) {
    if (!names.contains(name) || files.containsKey(name)) {
      throw new IllegalArgumentException("expected each of " + names + " once, got " + name);
    }
    PendingFile file = PendingFile.in(folder, name);
    files.put(name, file);
    return file;
  }

  /**
   * Makes all files appear.
   *
   * @throws CheckpointException if they cannot; the folder is as it was then
   */
  public void finish() {
    if (!files.keySet().containsAll(names)) {
      throw new IllegalStateException("expected " + names + ", got " + files.keySet());
    }
    files.values().forEach(PendingFile::sync);
    try {
      Unfinished.undisturbed(this::exchange);
    } catch (IOException e) {
      throw failed(e);
    }
    made.forEach(Unfinished::remove);
    made.clear();
  }

  private CheckpointException failed(IOException e) {
    StringBuilder message = new StringBuilder("cannot write to ").append(folder).append(": ");
    message.append(
        e instanceof FileAlreadyExistsException f
            ? f.getFile() + " has appeared meanwhile"
            : Shown.reason(e));
    for (Throwable other : e.getSuppressed()) {
      message.append("; ").append(other.getMessage());
    }
    return new CheckpointException(message.toString(), e);
  }

  private void exchange() throws IOException {
    Map<Path, Path> aside = new LinkedHashMap<>();
    Deque<PendingFile> placed = new ArrayDeque<>();
    try {
      for (Path path : old) {
        Path other = asideOf(path);
        Files.move(path, other);
        aside.put(path, other);
      }
      sync(folder);
      for (String name : names) {
        PendingFile file = files.get(name);
        placed.push(file);
        file.place();
      }
      sync(folder);
    } catch (IOException | RuntimeException | Error e) {
      putBack(placed, aside, e);
      throw e;
    }
    for (Path path : aside.values()) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "cannot remove {0}, which was replaced: {1}", path, e);
      }
    }
  }

  private static Path asideOf(Path path) {
    return path.resolveSibling(
        "." + path.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".old");
  }

  /** Returns a file that was set aside by a program that was killed before it could go on. */
  public static Optional<Path> aside(Path folder, String name) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("." + name + "."))
          .filter(file -> file.getFileName().toString().endsWith(".old"))
          .findFirst();
    } catch (IOException | UncheckedIOException e) {
      return Optional.empty();
    }
  }

  /** What cannot be put back is told with the failure itself: it lies beside its place. */
  private static void putBack(Deque<PendingFile> placed, Map<Path, Path> aside, Throwable failure) {
    for (PendingFile file : placed) {
      try {
        file.takeBack();
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
    List<Map.Entry<Path, Path>> last = new ArrayList<>(aside.entrySet());
    java.util.Collections.reverse(last);
    for (Map.Entry<Path, Path> entry : last) {
      try {
        Files.move(entry.getValue(), entry.getKey());
      } catch (IOException e) {
        failure.addSuppressed(
            new CheckpointException(
                "cannot put " + entry.getKey() + " back; it is in " + entry.getValue(), e));
      }
    }
  }

  /** Puts the names in a folder on the disk, where the system can do that. */
  static void sync(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Not all systems open folders; the files themselves are on the disk.
    }
  }

  private void removeMade() {
    java.util.Collections.reverse(made);
    for (Path path : made) {
      Unfinished.remove(path);
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        // Somebody put something there; it is theirs.
      }
    }
    made.clear();
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    for (PendingFile file : files.values()) {
      try {
        file.close();
      } catch (CheckpointException e) {
        failure = e;
      }
    }
    removeMade();
    if (failure != null) {
      throw failure;
    }
  }
}
