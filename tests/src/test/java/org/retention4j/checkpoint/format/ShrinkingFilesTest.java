package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.retention4j.checkpoint.format.SafetensorsBytes.entry;
import static org.retention4j.checkpoint.format.SafetensorsBytes.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.forms.Engines;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/**
 * Files that become shorter while they are read: a download that begins anew, a disk that is full.
 */
class ShrinkingFilesTest {
  @TempDir private Path folder;

  private static void cut(Path file, long length) {
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
      opened.setLength(length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path model(DType dtype) {
    Path model = folder.resolve("model");
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(128, 2), 256, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(1000, 128, DecoderConfig.uniform(2, layer));
    CheckpointWriter.writeRandom(config, model, dtype, 1, (name, bytes) -> {});
    return model;
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F64", "F32", "F16", "BF16"})
  void loadingRefusesAFileThatWasCutOff(DType dtype) throws IOException {
    Path model = model(dtype);
    Path file = model.resolve("model.safetensors");
    byte[] whole = Files.readAllBytes(file);
    for (long length : new long[] {whole.length / 2, whole.length - 1, 1, 0}) {
      Files.write(file, whole);
      long before = HeldMemory.liveBytes();
      LoadOptions options = LoadOptions.DEFAULT.withProgress((name, bytes) -> cut(file, length));
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> Checkpoint.open(model).load(Engines.plain(), options).close())
          .withMessageContainingAll(file.toString(), "cut it off");
      assertThat(HeldMemory.liveBytes()).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCopyOfAFileThatWasCutOffIsNone(boolean rounded) throws IOException {
    Path model = model(DType.F32);
    Path file = model.resolve("model.safetensors");
    Path to = folder.resolve("to");
    WriteOptions options =
        (rounded ? WriteOptions.DEFAULT.withDType(DType.BF16) : WriteOptions.DEFAULT)
            .withProgress((name, bytes) -> cut(file, 100_000));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> CheckpointWriter.convert(Checkpoint.open(model), to, options))
        .withMessageContainingAll(file.toString(), "cut it off");
    assertThat(to).doesNotExist();
  }

  /** Every way to read, of what is still there and of what is not. */
  @Test
  void nothingThatIsGoneIsTakenForZeros() {
    byte[] data = new byte[400_000];
    java.util.Arrays.fill(data, (byte) 1);
    String header = "{" + entry("a", "BF16", "[200000]", 0, 400_000) + "}";
    Path path = SafetensorsBytes.write(folder.resolve("x.safetensors"), file(header, data));
    try (SafetensorsFile opened = SafetensorsFile.open(path)) {
      TensorInfo a = opened.tensors().get("a");
      float[] one = new float[1];
      opened.read(a, 0, 1, one);
      long whole = opened.path().toFile().length();
      cut(path, 300_000);
      opened.read(a, 100_000, 1, new double[1]);
      opened.read(a, 100_000, 1, new float[1]);
      for (Runnable reading :
          new Runnable[] {
            () -> opened.read(a, 199_999, 1, new float[1]),
            () -> opened.read(a, 150_000, 10, new double[10]),
            () -> opened.readBits(a, 0, 200_000, new short[200_000]),
            () -> opened.readBytes(a, 399_999, new byte[1], 1)
          }) {
        assertThatExceptionOfType(CheckpointException.class)
            .isThrownBy(reading::run)
            .withMessageContaining("x.safetensors");
      }
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> opened.readBytes(a, 399_999, new byte[1], 1))
          .withMessageContaining("got an end before byte " + whole + ":");
    }
  }

  /** The file stays open for other threads, and the thread interrupted. */
  @Test
  void anInterruptedThreadReadsOn() {
    String header = "{" + entry("a", "F32", "[2]", 0, 8) + "}";
    Path path = SafetensorsBytes.write(folder.resolve("x.safetensors"), file(header, new byte[8]));
    Thread.currentThread().interrupt();
    try (SafetensorsFile opened = SafetensorsFile.open(path)) {
      opened.read(opened.tensors().get("a"), 0, 2, new float[2]);
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
