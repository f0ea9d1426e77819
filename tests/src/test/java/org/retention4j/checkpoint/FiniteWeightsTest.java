package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;

/** Weights that are finite in the file and would be infinite as they are packed. */
class FiniteWeightsTest {
  @TempDir private Path folder;

  @BeforeEach
  void copyGolden() throws IOException {
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(Npy.path("/golden/model/fla-f32/" + name), folder.resolve(name));
    }
  }

  private void put(String tensor, int element, float value) throws IOException {
    Path path = folder.resolve("model.safetensors");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      long start = 8 + bytes.getLong(0) + file.tensors().get(tensor).begin();
      bytes.putFloat(Math.toIntExact(start + 4L * element), value);
    }
    Files.write(path, bytes.array());
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.embeddings.weight", "model.layers.1.mlp.up_proj.weight"})
  void areRefusedOnRequestWhereBf16CannotHoldThem(String tensor) throws IOException {
    put(tensor, 133, Float.MAX_VALUE);
    LoadOptions checked = LoadOptions.DEFAULT.withCheckFinite(true);
    for (Engine engine : List.of(Engines.plain(), Engines.vector())) {
      Checkpoint.open(folder).load(engine, checked).close();
      long before = HeldMemory.liveBytes();
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(
              () ->
                  Checkpoint.open(folder).load(engine, checked.withWeights(WeightChoice.BFLOAT16)))
          .withMessageContainingAll("bf16 can hold", "3.4028235E38", tensor + "[2,5]");
      assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
    }
  }
}
