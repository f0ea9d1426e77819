package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which names in a folder belong to the weights. */
class WeightFilesTest {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model.bin.index.json",
        "tf_model.h5",
        "flax_model.msgpack",
        "retnet.Q4_0.gguf",
        "retnet.ggml",
        "model.onnx"
      })
  void sameWeightsInOtherFormats(String name) {
    assertThat(WeightFiles.isOtherFormat(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        SINGLE,
        INDEX,
        "config.json",
        "training_args.bin",
        "vocab.h5",
        "pytorch_model.json"
      })
  void otherFilesAreNotTheWeights(String name) {
    assertThat(WeightFiles.isOtherFormat(name)).isFalse();
  }

  /** What readers look for, be it there or not, and shards by their names or by the index. */
  @Test
  void namesOfACheckpoint() throws IOException {
    assertThat(WeightFiles.names(folder)).containsExactly(SINGLE, INDEX);
    assertThat(WeightFiles.names(folder.resolve("none"))).containsExactly(SINGLE, INDEX);
    for (String name :
        new String[] {
          "model-00001-of-00002.safetensors",
          "model-1-of-2.safetensors.part",
          "other.safetensors",
          "README.md"
        }) {
      Files.createFile(folder.resolve(name));
    }
    assertThat(WeightFiles.names(folder))
        .containsExactly("model-00001-of-00002.safetensors", SINGLE, INDEX);
    Files.writeString(
        folder.resolve(INDEX), "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"config.json\"}}");
    assertThat(WeightFiles.names(folder))
        .containsExactly("model-00001-of-00002.safetensors", SINGLE, INDEX, "x.safetensors");
  }

  /** As it will be replaced, it need not be right. */
  @Test
  void anIndexThatCannotBeReadNamesNothing() throws IOException {
    Files.writeString(folder.resolve(INDEX), "{");
    assertThat(WeightFiles.names(folder)).containsExactly(SINGLE, INDEX);
  }
}
