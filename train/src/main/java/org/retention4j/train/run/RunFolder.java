package org.retention4j.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.PendingFile;

/**
 * A folder of a run. Each checkpoint is a folder in it that is written beside its place and renamed
 * into it when all of it is on the disk; a program that is killed at any moment leaves whole ones
 * and rubbish that is known by its name. One process at a time.
 *
 * <p>Beside them lie two files with the names of the latest and the best, the log, and the latest
 * model once more, without another copy where the system has links.
 */
final class RunFolder implements AutoCloseable {
  static final String RECORD = "trainer.json";
  static final String LOG = "train.jsonl";

  private static final String LATEST = "latest";
  private static final String BEST = "best";
  private static final String MODEL = "model.safetensors";
  private static final String LOCK = ".lock";

  private static final Pattern CHECKPOINT = Pattern.compile("checkpoint-(\\d{6,18})");

  /** What a program that was killed leaves. */
  private static final Pattern RUBBISH =
      Pattern.compile(
          "\\.(checkpoint-\\d+|(latest|best|train\\.jsonl|model\\.safetensors|config\\.json"
              + "|tokenizer\\.json|trainer\\.json|report\\.html)\\.[0-9a-f]+)\\.(tmp|old)");

  private final Path folder;
  private final Watch watch;
  private final FileChannel lock;
  private final boolean made;

  /** Is told before each change of the disk, so that tests can end it there. */
  interface Watch {
    /** Something is about to be done. */
    void before(String what);
  }

  private RunFolder(Path folder, Watch watch, FileChannel lock, boolean made) {
    this.made = made;
    this.folder = folder;
    this.watch = watch;
    this.lock = lock;
  }

  /**
   * Opens a folder, makes it if it is not there, and removes what a killed program left in it.
   *
   * @throws IllegalArgumentException if it holds something else, or another process trains in it
   */
  static RunFolder open(Path folder, Watch watch) {
    try {
      if (Files.exists(folder) && !Files.isDirectory(folder)) {
        throw new IllegalArgumentException("expected a folder for a run, got the file " + folder);
      }
      requireOwn(folder);
      boolean made = !Files.exists(folder);
      Files.createDirectories(folder);
      RunFolder run = new RunFolder(folder, watch, lock(folder), made);
      run.removeRubbish();
      return run;
    } catch (IOException e) {
      throw failed("open the folder of a run", folder, e);
    }
  }

  private static void requireOwn(Path folder) throws IOException {
    List<String> names = Files.isDirectory(folder) ? names(folder) : List.of();
    boolean run = names.stream().anyMatch(n -> n.equals(LOG) || CHECKPOINT.matcher(n).matches());
    List<String> others =
        names.stream()
            .filter(name -> !name.equals(LOCK) && !RUBBISH.matcher(name).matches())
            .toList();
    if (!run && !others.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a new or empty folder, or one of a run, got %s with %s%s",
              folder,
              Shown.name(others.get(0)),
              others.size() > 1 ? " and others" : ""));
    }
  }

  private static FileChannel lock(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      locked = false;
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    if (!locked) {
      throw new IllegalArgumentException(
          "expected a folder in which nobody trains, got " + folder + ", where another run does");
    }
    return channel;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private void removeRubbish() throws IOException {
    for (String name : names(folder)) {
      if (RUBBISH.matcher(name).matches()) {
        remove(folder.resolve(name));
      }
    }
  }

  /** Returns the folder. */
  Path path() {
    return folder;
  }

  /** Returns the whole checkpoint of the most steps. */
  Optional<Path> last() {
    List<Path> all = checkpoints();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** Returns the checkpoints, by their steps. */
  List<Path> checkpoints() {
    try {
      return names(folder).stream()
          .filter(name -> CHECKPOINT.matcher(name).matches())
          .map(folder::resolve)
          .filter(path -> Files.isRegularFile(path.resolve(RECORD)))
          .sorted(Comparator.comparingLong(RunFolder::step))
          .toList();
    } catch (IOException e) {
      throw failed("list", folder, e);
    }
  }

  private static long step(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().replaceAll("\\D", ""));
  }

  /**
   * Writes a checkpoint: all of it, or none.
   *
   * @param content writes the files into a new folder, each on the disk when it returns
   * @return its folder
   * @throws CheckpointException if it cannot be written; those before stay
   */
  Path write(long step, Consumer<Path> content) {
    String name = String.format(Locale.ROOT, "checkpoint-%06d", step);
    Path temporary = folder.resolve("." + name + ".tmp");
    Path whole = folder.resolve(name);
    try {
      watch.before("make " + temporary.getFileName());
      remove(temporary);
      Files.createDirectory(temporary);
      content.accept(temporary);
      sync(temporary);
      if (Files.exists(whole)) {
        Path old = folder.resolve("." + name + ".old");
        watch.before("set aside " + name);
        Files.move(whole, old);
        watch.before("rename " + name);
        Files.move(temporary, whole);
        remove(old);
      } else {
        watch.before("rename " + name);
        Files.move(temporary, whole);
      }
      sync(folder);
    } catch (IOException e) {
      removeQuietly(temporary);
      throw failed("write the checkpoint of step " + step + " into", folder, e);
    } catch (RuntimeException e) {
      removeQuietly(temporary);
      throw e;
    }
    point(LATEST, whole);
    return whole;
  }

  /** Says which checkpoint is the best. */
  void best(Path checkpoint) {
    point(BEST, checkpoint);
  }

  private void point(String pointer, Path checkpoint) {
    write(folder.resolve(pointer), checkpoint.getFileName() + "\n");
  }

  /** Writes a file, in place of one of that name. */
  void write(Path file, String text) {
    watch.before("write " + file.getFileName());
    try (PendingFile pending = PendingFile.of(file, true)) {
      pending.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      pending.finish();
    }
  }

  /** Copies a file, in place of one of that name. */
  void copy(Path from, Path to) {
    watch.before("copy " + to.getFileName());
    try (PendingFile pending = PendingFile.of(to, true)) {
      pending.write(from);
      pending.finish();
    }
  }

  /**
   * Does what a program that was killed behind a checkpoint did not come to.
   *
   * @param last the last checkpoint
   * @param bestStep the step of the best, −1 for none
   * @param keep how many of the last stay
   */
  void settle(Path last, long bestStep, int keep) {
    point(LATEST, last);
    checkpoints().stream().filter(checkpoint -> step(checkpoint) == bestStep).forEach(this::best);
    publish(last);
    prune(keep, bestStep);
  }

  /** Lets the folder itself be the model of a checkpoint. */
  void publish(Path checkpoint) {
    Path top = folder.resolve(MODEL);
    Path link = folder.resolve("." + MODEL + "." + Long.toHexString(System.nanoTime()) + ".tmp");
    try {
      watch.before("link " + MODEL);
      Files.createLink(link, checkpoint.resolve(MODEL));
      watch.before("rename " + MODEL);
      Files.move(link, top, StandardCopyOption.ATOMIC_MOVE);
      // Renaming one of two links to a file onto the other leaves both.
      Files.deleteIfExists(link);
    } catch (IOException | UnsupportedOperationException e) {
      removeQuietly(link);
      copy(checkpoint.resolve(MODEL), top);
    }
    for (String name : List.of(RECORD, "tokenizer.json", "config.json")) {
      if (Files.isRegularFile(checkpoint.resolve(name))) {
        copy(checkpoint.resolve(name), folder.resolve(name));
      }
    }
  }

  /**
   * Removes checkpoints but for the last, and the best.
   *
   * @param keep how many of the last stay
   * @param bestStep the step of the best, which stays too
   */
  void prune(int keep, long bestStep) {
    List<Path> all = checkpoints();
    for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
      if (step(old) == bestStep) {
        continue;
      }
      Path aside = folder.resolve("." + old.getFileName() + ".old");
      try {
        watch.before("set aside " + old.getFileName());
        Files.move(old, aside);
        watch.before("remove " + old.getFileName());
        remove(aside);
      } catch (IOException e) {
        throw failed("remove", old, e);
      }
    }
  }

  private static void remove(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void removeQuietly(Path path) {
    try {
      remove(path);
    } catch (IOException e) {
      // The next run removes it.
    }
  }

  /** Puts the names in a folder on the disk, where the system can do that. */
  private static void sync(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Not all systems open folders; the files themselves are on the disk.
    }
  }

  private static CheckpointException failed(String doing, Path path, IOException e) {
    return new CheckpointException("cannot " + doing + " " + path + ": " + Shown.reason(e), e);
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(folder.resolve(LOCK));
      lock.close();
      if (made && names(folder).isEmpty()) {
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw failed("unlock", folder, e);
    }
  }
}
