package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.forms.Npy;

/** Writing that is ended by an interrupt, as loading is: nothing of it stays. */
class WritingEndsTest {
  @TempDir private Path folder;

  private Path from;
  private Path to;
  private int written;

  @BeforeEach
  void copyTheCheckpoint() throws IOException {
    from = Files.createDirectory(folder.resolve("from"));
    to = folder.resolve("new/to");
    Path golden = Npy.path("/golden/model/fla-f32");
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(golden.resolve(name), from.resolve(name));
    }
    Files.writeString(from.resolve("tokenizer.json"), "{}");
  }

  @AfterEach
  void theThreadGoesOn() {
    Thread.interrupted();
  }

  private List<String> all() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.map(file -> folder.relativize(file).toString()).sorted().toList();
    }
  }

  private void interruptedAfter(int tensors, int shardBytes) throws IOException {
    List<String> before = all();
    Checkpoint checkpoint = Checkpoint.open(from);
    WriteOptions options =
        WriteOptions.DEFAULT
            .withDType(DType.BF16)
            .withShardBytes(shardBytes)
            .withProgress(
                (name, bytes) -> {
                  written++;
                  if (written == tensors) {
                    Thread.currentThread().interrupt();
                  }
                });
    if (tensors == 0) {
      Thread.currentThread().interrupt();
    }
    ends(() -> CheckpointWriter.convert(checkpoint, to, options));
    assertThat(all()).isEqualTo(before);
  }

  private void ends(ThrowingCallable code) {
    assertThatExceptionOfType(CancellationException.class)
        .isThrownBy(code)
        .withMessageContaining("interrupted");
    assertThat(Thread.interrupted()).as("interrupt status").isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 13})
  void conversionEndsWherePartIsWritten(int tensors) throws IOException {
    interruptedAfter(tensors, 1_000_000_000);
    written = 0;
    interruptedAfter(tensors, 20_000);
  }

  /** What is there to be replaced stays. */
  @Test
  void theCheckpointThatWasToBeReplacedStays() throws IOException {
    Checkpoint checkpoint = Checkpoint.open(from);
    CheckpointWriter.convert(checkpoint, to, WriteOptions.DEFAULT);
    List<String> before = all();
    byte[] bytes = Files.readAllBytes(to.resolve("model.safetensors"));
    WriteOptions options =
        WriteOptions.DEFAULT
            .withDType(DType.BF16)
            .withReplace(true)
            .withProgress((name, b) -> Thread.currentThread().interrupt());
    ends(() -> CheckpointWriter.convert(checkpoint, to, options));
    assertThat(all()).isEqualTo(before);
    assertThat(to.resolve("model.safetensors")).hasBinaryContent(bytes);
  }

  @Test
  void randomWeightsEndTheSame() throws IOException {
    List<String> before = all();
    Checkpoint checkpoint = Checkpoint.open(from);
    ends(
        () ->
            CheckpointWriter.writeRandom(
                checkpoint.config(),
                to,
                DType.F32,
                1,
                (name, b) -> Thread.currentThread().interrupt()));
    assertThat(all()).isEqualTo(before);
  }

  /** It has the folder's place without being one; --force would change nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"link", "link/below"})
  void aLinkThatLeadsNowhereIsNamed(String target) throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("gone"));
    List<String> before = all();
    for (boolean replace : new boolean[] {false, true}) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(
              () ->
                  CheckpointWriter.convert(
                      Checkpoint.open(from),
                      folder.resolve(target),
                      WriteOptions.DEFAULT.withReplace(replace)))
          .withMessageContainingAll(link.toString(), "a link to gone that leads to nothing")
          .withNoCause();
    }
    assertThat(all()).isEqualTo(before);
  }
}
