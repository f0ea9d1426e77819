package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are written: rows once each, and nothing half-written stays. */
class WritingTest {
  @TempDir private Path folder;

  @Test
  void aRowIsWrittenOnce() {
    Path path = folder.resolve("x.npy");
    try (NpyWriter writer = new NpyWriter(path, true, 2, 1, 3)) {
      writer.write(1, new double[] {4, 5, 6});
      assertThatIllegalStateException()
          .isThrownBy(() -> writer.write(1, new double[3]))
          .withMessageContaining("row 1");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.write(2, new double[3]))
          .withMessageContaining("0..1");
      assertThatIllegalArgumentException().isThrownBy(() -> writer.write(-1, new double[3]));
      assertThatIllegalArgumentException().isThrownBy(() -> writer.write(0, new double[2]));
      assertThatIllegalStateException()
          .isThrownBy(writer::finish)
          .withMessageContaining("expected 2 rows, got 1");
      writer.write(0, new double[] {1, 2, 3});
      writer.finish();
    }
    assertThat(NpyFile.read(path).floats()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void rowsThatCannotBeCountedAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new NpyWriter(folder.resolve("x.npy"), true, 1L << 31, 1))
        .withMessageContaining("2^31");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new NpyWriter(folder.resolve("x.npy"), true, 1, 1L << 28))
        .withMessageContaining("2^31 bytes");
    for (long[] shape : new long[][] {{}, {-1, 2}, {2, -2}, {-2, -1, 2}}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new NpyWriter(folder.resolve("x.npy"), false, shape))
          .withMessageContainingAll("at least one dimension, each >= 0", Arrays.toString(shape));
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PendingFile.of(folder.resolve("nowhere/x"), false))
        .withMessageContaining("nowhere");
  }

  /** A program that is in the middle of writing. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      Path folder = Path.of(args[0]);
      PendingFile done = PendingFile.of(folder.resolve("done"), false);
      done.finish();
      PendingFile pending = PendingFile.of(folder.resolve("notes"), true);
      pending.write(0, ByteBuffer.wrap(new byte[100]));
      PendingFolder inside =
          PendingFolder.of(folder.resolve("made/deep"), List.of("inside"), List.of(), false);
      inside.add("inside");
      System.out.println("writing");
      // Until it is interrupted, or its parent is gone.
      System.in.read();
      inside.close();
      pending.close();
    }
  }

  private Process start(Class<?> program, String... before) throws IOException {
    List<String> command = new ArrayList<>(List.of(before));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:-UsePerfData");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(program.getName(), folder.toString()));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  /** SIGTERM, which the virtual machine answers as it does Ctrl-C. */
  @Test
  void anInterruptedProgramLeavesNothingHalfWritten() throws Exception {
    Files.writeString(folder.resolve("notes"), "three weeks");
    Process process = start(Writer.class);
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("writing");
      assertThat(names()).hasSize(4).contains("made");
      process.destroy();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(names()).containsExactlyInAnyOrder("done", "notes");
    assertThat(folder.resolve("notes")).hasContent("three weeks");
  }

  /** A program that replaces a folder's files by those of the next version, on and on. */
  static final class Replacer {
    private static final List<String> NAMES =
        IntStream.range(0, 40).mapToObj(i -> "f" + i).toList();

    private Replacer() {}

    public static void main(String[] args) {
      for (int version = 0; ; version++) {
        // Every second version has a file that the others do not have.
        List<String> names = new ArrayList<>(NAMES);
        names.add(0, version % 2 == 0 ? "even" : "odd");
        List<String> obsolete = List.of("even", "odd");
        try (PendingFolder pending =
            PendingFolder.of(Path.of(args[0]), names, obsolete, version > 0)) {
          byte[] text = Integer.toString(version).getBytes(StandardCharsets.UTF_8);
          names.forEach(name -> pending.add(name).write(0, ByteBuffer.wrap(text)));
          pending.finish();
        }
        System.out.println(version);
      }
    }
  }

  /**
   * Whenever it is told to end, files are all of one version, and nothing else is there; whenever
   * it is killed, the last file, if it is there, is of the version of all the others.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aProgramThatIsStoppedLeavesNoMixture(boolean killed) throws Exception {
    SplittableRandom random = new SplittableRandom(3);
    for (int round = 0; round < 6; round++) {
      Process process = start(Replacer.class);
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        assertThat(out.readLine()).isEqualTo("0");
        assertThat(out.readLine()).isEqualTo("1");
        assertThat(process.waitFor(random.nextInt(60), TimeUnit.MILLISECONDS)).isFalse();
        if (killed) {
          process.destroyForcibly();
        } else {
          process.destroy();
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      } finally {
        process.destroyForcibly();
      }
      boolean whole = Files.exists(folder.resolve("f39"));
      Set<String> versions = new TreeSet<>();
      for (String name : Replacer.NAMES) {
        if (whole) {
          versions.add(Files.readString(folder.resolve(name)));
        }
      }
      assertThat(versions).hasSizeLessThanOrEqualTo(1);
      if (!killed) {
        assertThat(whole).isTrue();
        assertThat(names()).hasSize(41);
      }
      for (String name : names()) {
        Files.delete(folder.resolve(name));
      }
    }
  }

  /** A program that writes more than it may, once over what is there. */
  static final class Filler {
    private Filler() {}

    public static void main(String[] args) {
      for (boolean replace : new boolean[] {true, false}) {
        String name = replace ? "a" : "x";
        try (PendingFolder pending =
            PendingFolder.of(Path.of(args[0]), List.of(name, name + "2"), List.of(), replace)) {
          pending.add(name).write(0, ByteBuffer.wrap(new byte[10]));
          pending.add(name + "2").write(0, ByteBuffer.wrap(new byte[1 << 20]));
          pending.finish();
        } catch (CheckpointException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }

  /** No file may be longer than 100 blocks of the shell: as a disk that is full half-way. */
  @Test
  void aFullDiskLeavesWhatWasThere() throws Exception {
    Files.writeString(folder.resolve("a"), "three weeks");
    Process process = start(Filler.class, "bash", "-c", "ulimit -f 100; exec \"$0\" \"$@\"");
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.lines().toList())
          .hasSize(2)
          .allMatch(line -> line.startsWith("cannot write " + folder), "failures");
    }
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(names()).containsExactly("a");
    assertThat(folder.resolve("a")).hasContent("three weeks");
  }

  private String[] names() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toArray(String[]::new);
    }
  }

  /** A link stays one, and what it points to is written; what is no file is left alone. */
  @Test
  void followsLinksAndRefusesDevices() throws IOException {
    Path target = folder.resolve("target");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("target"));
    for (String text : List.of("new", "old")) {
      try (PendingFile file = PendingFile.of(link, true)) {
        file.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        file.finish();
      }
      assertThat(link).isSymbolicLink();
      assertThat(target).isRegularFile().hasContent(text);
    }
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PendingFile.of(Path.of("/dev/null"), true))
        .withMessageContaining("/dev/null");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PendingFile.of(folder.resolve("none/x"), true))
        .withMessageContaining("no such folder")
        .withMessageNotContaining("Exception");
  }

  @Test
  void aFileThatIsThereStays() throws IOException {
    Path notes = Files.writeString(folder.resolve("notes"), "three weeks");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("notes"));
    for (Path path : List.of(notes, link)) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> new NpyWriter(path, false, 1))
          .withMessageContaining(path.toString())
          .withCauseInstanceOf(FileAlreadyExistsException.class);
    }
    try (NpyWriter writer = new NpyWriter(folder.resolve("new"), false, 1)) {
      writer.write(0, new double[1]);
      Files.writeString(folder.resolve("new"), "meanwhile");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(writer::finish)
          .withCauseInstanceOf(FileAlreadyExistsException.class);
    }
    assertThat(folder.resolve("new")).hasContent("meanwhile");
    assertThat(notes).hasContent("three weeks");
    assertThat(names()).containsExactlyInAnyOrder("notes", "link", "new");
    try (NpyWriter writer = NpyWriter.replacing(link, false, 1)) {
      writer.write(0, new double[] {7});
      writer.finish();
    }
    assertThat(link).isSymbolicLink();
    assertThat(NpyFile.read(notes).floats()).containsExactly(7);
  }

  /** What mktemp makes to keep a name. */
  @Test
  void anEmptyFileIsNoLoss() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty"));
    try (NpyWriter writer = new NpyWriter(empty, false, 1)) {
      writer.write(0, new double[] {7});
      writer.finish();
    }
    assertThat(NpyFile.read(empty).floats()).containsExactly(7);
    assertThat(names()).containsExactly("empty");
  }
}
