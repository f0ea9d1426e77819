package org.retention4j.cache;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.retention4j.args.Shown;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.RestoreOptions;
import org.retention4j.model.SaveOptions;
import org.retention4j.model.Snapshot;

/**
 * Beginnings as files of a folder, by the hash in their name. Files appear whole, so that whoever
 * shares the folder, or comes after a crash, sees none that is half there; they may go at any time.
 * Nothing that is wrong with one is more than a miss. Only files of this kind are ever removed.
 */
final class PrefixFolder {
  static final String SUFFIX = ".prefix";

  private static final Logger LOG = System.getLogger(PrefixFolder.class.getName());

  /** What a process that was killed left unfinished is removed after so long. */
  private static final Duration UNFINISHED = Duration.ofHours(1);

  private final LanguageModel model;
  private final Path folder;
  private final long mostBytes;
  private long bytes;
  private long evictions;
  private long damaged;
  private long failures;
  private boolean warned;

  PrefixFolder(LanguageModel model, Path folder, long mostBytes) throws IOException {
    this.model = model;
    this.folder = Files.createDirectories(folder);
    this.mostBytes = mostBytes;
    trim();
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long evictions() {
    return evictions;
  }

  synchronized long damaged() {
    return damaged;
  }

  synchronized long failures() {
    return failures;
  }

  /** Returns whether there is a file for a key, whatever is in it. */
  boolean has(PrefixKey key) {
    return key.named() && Files.isRegularFile(folder.resolve(key.fileName()));
  }

  /** Returns what a file holds if it is the beginning of a prompt, or null. */
  Snapshot read(PrefixKey key, int[] prompt) {
    if (!has(key)) {
      return null;
    }
    Path file = folder.resolve(key.fileName());
    try {
      RestoreOptions options =
          RestoreOptions.DEFAULT
              .withSession(key.options())
              .withMostBytes(mostBytes)
              .withMostRows(1);
      Snapshot snapshot = model.readSnapshot(file, options);
      if (isBeginning(snapshot, key.depth(), prompt)) {
        touch(file);
        return snapshot;
      }
      snapshot.close();
      wrong(file, "it holds other tokens than its name says");
    } catch (NoSuchFileException e) {
      return null; // another process removed it
    } catch (ClosedByInterruptException e) {
      return null; // whoever reads the prompt then finds the thread interrupted
    } catch (IOException | IllegalArgumentException e) {
      wrong(file, Shown.message(String.valueOf(e)));
    }
    return null;
  }

  /** Notes that it was used; where that is not allowed it goes sooner. */
  private static void touch(Path file) {
    try {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "cannot note that it was used: {0}: {1}", file, e);
    }
  }

  private static boolean isBeginning(Snapshot snapshot, int depth, int[] prompt) {
    return snapshot.rows() == 1
        && snapshot.position(0) == depth
        && snapshot.tokens().size() == 1
        && Arrays.equals(snapshot.tokens().get(0), Arrays.copyOf(prompt, depth));
  }

  /** It is left where it is: the prompt is read now, and what is stored then takes its place. */
  private synchronized void wrong(Path file, String why) {
    damaged++;
    LOG.log(Level.DEBUG, "not taken as a beginning of a prompt: {0}: {1}", file, why);
  }

  /** Writes a file for a key; where that fails there is none. */
  void write(PrefixKey key, int[] prompt, Snapshot snapshot) {
    if (!key.named()) {
      return;
    }
    try {
      SaveOptions options =
          SaveOptions.DEFAULT.withTokens(List.of(Arrays.copyOf(prompt, key.depth())));
      snapshot.save(folder.resolve(key.fileName()), options);
      trim();
    } catch (IOException | RuntimeException e) {
      failed(e);
    }
  }

  private synchronized void failed(Exception e) {
    failures++;
    if (!warned) {
      warned = true;
      LOG.log(Level.WARNING, "cannot keep beginnings of prompts in {0}: {1}", folder, e);
    }
  }

  private record Found(Path path, long bytes, Instant used) {}

  /** Counts the bytes there and removes what was used longest ago while they are too many. */
  private synchronized void trim() throws IOException {
    List<Found> all = found();
    all.sort(Comparator.comparing(Found::used));
    bytes = all.stream().mapToLong(Found::bytes).sum();
    for (Found file : all) {
      if (bytes <= mostBytes) {
        break;
      }
      Files.deleteIfExists(file.path());
      bytes -= file.bytes();
      evictions++;
    }
  }

  private List<Found> found() throws IOException {
    List<Found> all = new ArrayList<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path path : (Iterable<Path>) list::iterator) {
        String name = path.getFileName().toString();
        boolean unfinished =
            name.startsWith(".") && name.contains(SUFFIX + ".") && name.endsWith(".tmp");
        if (name.endsWith(SUFFIX) || unfinished) {
          add(path, unfinished, all);
        }
      }
    }
    return all;
  }

  private static void add(Path path, boolean unfinished, List<Found> all) throws IOException {
    BasicFileAttributes file;
    try {
      file = Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      return; // another process removed it
    }
    Instant used = file.lastModifiedTime().toInstant();
    if (!unfinished) {
      all.add(new Found(path, file.size(), used));
    } else if (used.isBefore(Instant.now().minus(UNFINISHED))) {
      Files.deleteIfExists(path);
    }
  }
}
