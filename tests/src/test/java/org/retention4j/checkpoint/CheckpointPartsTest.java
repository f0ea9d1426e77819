package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.LmHead;

/** A model read part by part has the numbers of its file, by their names. */
class CheckpointPartsTest {
  private static final int[] TOKENS = {96, 0, 7};
  private static final int WIDTH = 64;

  /** A few roundings of float64, of numbers below 100. */
  private static final Offset<Double> ROUNDING = within(1e-12);

  @TempDir private Path folder;

  private static double[] row(CheckpointFiles files, String name, int row, int width) {
    double[] numbers = new double[width];
    files.read(name, (long) row * width, width, numbers);
    return numbers;
  }

  private static void assertHolds(PackedMatrix matrix, CheckpointFiles files, String name) {
    assertThat(files.info(name).shape())
        .containsExactly((long) matrix.outputs(), (long) matrix.inputs());
    for (int i = 0; i < matrix.outputs(); i++) {
      double[] numbers = new double[matrix.inputs()];
      matrix.unpack().read(i, numbers);
      assertThat(numbers).as("%s[%s]", name, i).isEqualTo(row(files, name, i, matrix.inputs()));
    }
  }

  @Test
  void partsOfFla() {
    Path golden = Npy.path("/golden/model/fla-f32");
    Engine engine = Engines.float64();
    long before = HeldMemory.liveBytes();
    try (CheckpointFiles files = CheckpointFiles.open(golden);
        CheckpointParts parts = Checkpoint.open(golden).parts()) {
      double[][] embedded = parts.embed(TOKENS, engine);
      assertThat(embedded).hasNumberOfRows(3);
      for (int t = 0; t < TOKENS.length; t++) {
        assertThat(embedded[t]).isEqualTo(row(files, "model.embeddings.weight", TOKENS[t], WIDTH));
      }
      for (int i = 0; i < 2; i++) {
        String prefix = "model.layers." + i + ".";
        try (DecoderLayer layer = parts.layer(i, engine)) {
          assertHolds(layer.mixer().weights().matrix("key"), files, prefix + "attn.k_proj.weight");
          assertHolds(layer.feedForward().down(), files, prefix + "mlp.down_proj.weight");
          assertThat(layer.mixerNorm().weight())
              .isEqualTo(row(files, prefix + "attn_norm.weight", 0, WIDTH));
          assertThat(layer.feedForwardNorm().weight())
              .isEqualTo(row(files, prefix + "mlp_norm.weight", 0, WIDTH));
        }
      }
      try (LmHead head = parts.head(engine)) {
        assertHolds(head.output(), files, "lm_head.weight");
        assertThat(head.norm()).isEqualTo(row(files, "model.norm.weight", 0, WIDTH));
      }
    }
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  /** Puts a prefix before the names, and adds a norm of the embeddings. */
  private void copyTorchscale(String prefix, double[] norm) throws IOException {
    Path golden = Npy.path("/golden/model/torchscale-f32");
    String config = Files.readString(golden.resolve("config.json"));
    Files.writeString(
        folder.resolve("config.json"),
        config
            .replace("\"layernorm_embedding\": false", "\"layernorm_embedding\": true")
            .replace("\"no_scale_embedding\": true", "\"no_scale_embedding\": false"));
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(golden)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        String port = name.equals("output_projection.weight") ? "lm_head.weight" : prefix + name;
        tensors.add(
            OutTensor.of(
                prefix.isEmpty() ? name : port,
                info.dtype(),
                info.shape(),
                (row, into) -> files.read(name, row * into.length, into.length, into)));
      }
      tensors.add(OutTensor.of(prefix + "layernorm_embedding.weight", DType.F32, norm));
      SafetensorsWriter.writeFile(folder.resolve("model.safetensors"), tensors, Map.of());
    }
  }

  /** Embeddings times the root of the width, each divided by its root mean square. */
  @ParameterizedTest
  @ValueSource(strings = {"", "model."})
  void partsOfTorchscale(String prefix) throws IOException {
    double[] norm = new double[WIDTH];
    Arrays.setAll(norm, i -> 1 + i / 64.0);
    copyTorchscale(prefix, norm);
    Engine engine = Engines.float64();
    try (CheckpointFiles files = CheckpointFiles.open(folder);
        CheckpointParts parts = Checkpoint.open(folder).parts()) {
      double[][] embedded = parts.embed(TOKENS, engine);
      assertThat(embedded).hasNumberOfRows(3);
      for (int t = 0; t < TOKENS.length; t++) {
        double[] row = row(files, prefix + "embed_tokens.weight", TOKENS[t], WIDTH);
        double square = Arrays.stream(row).map(x -> 64 * x * x).average().orElseThrow();
        for (int i = 0; i < WIDTH; i++) {
          assertThat(embedded[t][i])
              .isCloseTo(8 * row[i] / Math.sqrt(square + 1e-6) * norm[i], ROUNDING);
        }
      }
      try (DecoderLayer layer = parts.layer(1, engine);
          LmHead head = parts.head(engine)) {
        assertHolds(
            layer.mixer().weights().matrix("output"),
            files,
            prefix + "layers.1.retention.out_proj.weight");
        assertThat(head.norm()).isEqualTo(row(files, prefix + "layer_norm.weight", 0, WIDTH));
      }
    }
  }
}
