package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> new PendingFile(folder.resolve("nowhere/x")))
        .withMessageContaining("nowhere");
  }

  /** A program that is in the middle of writing. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      PendingFile done = new PendingFile(Path.of(args[0], "done"));
      done.finish();
      PendingFile pending = new PendingFile(Path.of(args[0], "pending"));
      pending.write(0, ByteBuffer.wrap(new byte[100]));
      Path made = Files.createDirectory(Path.of(args[0], "made"));
      PendingFile.noteFolder(made, true);
      PendingFile inside = new PendingFile(made.resolve("inside"));
      System.out.println("writing");
      // Until it is interrupted, or its parent is gone.
      System.in.read();
      inside.close();
      pending.close();
    }
  }

  /** SIGTERM, which the virtual machine answers as it does Ctrl-C. */
  @Test
  void anInterruptedProgramLeavesNothingHalfWritten() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("writing");
      assertThat(names()).hasSize(3).contains("made");
      process.destroy();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(names()).containsExactly("done");
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
      try (PendingFile file = new PendingFile(link)) {
        file.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        file.finish();
      }
      assertThat(link).isSymbolicLink();
      assertThat(target).isRegularFile().hasContent(text);
    }
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> new PendingFile(Path.of("/dev/null")))
        .withMessageContaining("/dev/null");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> new PendingFile(folder.resolve("none/x")))
        .withMessageContaining("no such folder")
        .withMessageNotContaining("Exception");
  }
}
