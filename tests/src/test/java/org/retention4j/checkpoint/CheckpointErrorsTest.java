package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Folders that do not fit: each refused with its own message, and nothing stays allocated. */
class CheckpointErrorsTest {
  @TempDir private Path folder;

  @BeforeEach
  void copyGolden() throws IOException {
    copy("fla-f32", folder);
  }

  private static void copy(String golden, Path to) throws IOException {
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(Npy.path("/golden/model/" + golden + "/" + name), to.resolve(name));
    }
  }

  private static LanguageModel load(Path path) {
    return Checkpoint.open(path).load(Engines.plain(), LoadOptions.DEFAULT);
  }

  private void refuses(String... messages) {
    long before = HeldMemory.liveBytes();
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> load(folder).close())
        .withMessageContainingAll(messages);
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private static void set(Path folder, String key, String value) throws IOException {
    Path file = folder.resolve("config.json");
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    json.set(key, mapper.readTree(value));
    Files.writeString(file, json.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "model_type | \"llama\" | model_type retnet",
        "model_type | null | got none",
        "hidden_act | \"gelu\" | swish or silu",
        "feature_map | \"elu\" | null, relu or identity",
        "attnres_block_size | 4 | attnres_block_size",
        "hidden_size | \"64\" | an integer for hidden_size",
        "hidden_size | 0 | an integer >= 1 for hidden_size",
        "hidden_size | 64.5 | an integer for hidden_size",
        "hidden_size | 1e12 | an integer for hidden_size",
        "num_heads | 3 | multiple of num_heads = 3",
        "num_kv_heads | 3 | num_kv_heads",
        "norm_eps | -1 | a number > 0 for norm_eps",
        "tie_word_embeddings | 1 | true or false for tie_word_embeddings",
        "attn | 3 | expected a JSON object",
        "attn | {\"layers\":[7],\"num_heads\":2} | layer numbers in 0..1",
        "attn | {\"layers\":[2],\"num_heads\":2} | layer numbers in 0..1",
        "attn | {\"num_heads\":2} | a list of layer numbers for layers",
        "attn | {\"layers\":[0]} | num_heads",
        "attn | {\"layers\":[0],\"num_heads\":3} | num_heads",
        "vocab_size | 96 | model.embeddings.weight of shape [96, 64]",
        "intermediate_size | 100 | gate_proj.weight of shape [100, 64]",
        "num_hidden_layers | 1 | got 11 others",
        "num_hidden_layers | 3 | model.layers.2.",
        "use_output_gate | false | g_proj.weight",
        "expand_v | 1 | v_proj.weight of shape [64, 64]"
      })
  void refusesAConfigurationThatDoesNotFit(String key, String value, String message)
      throws IOException {
    set(folder, key, value);
    refuses(message);
  }

  @ParameterizedTest
  @CsvSource({
    "deepnorm, true",
    "use_glu, false",
    "decoder_normalize_before, false",
    "moe_freq, 2",
    "multiway, true",
    "no_output_layer, true",
    "quantization_config, {}",
    "activation_fn, \"relu\"",
    "decoder_embed_dim, 63",
    "decoder_layers, null"
  })
  void refusesTorchscaleOptionsThatAreNotBuilt(String key, String value) throws IOException {
    Path torchscale = Files.createDirectory(folder.resolve("torchscale"));
    copy("torchscale-f32", torchscale);
    set(torchscale, key, value);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> load(torchscale))
        .withMessageContaining(key);
  }

  @Test
  void refusesFoldersWithoutTheirFiles() throws IOException {
    Files.delete(folder.resolve("model.safetensors"));
    refuses("model.safetensors", "got neither");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\":\"retnet\"} x");
    refuses("expected JSON");
    Files.writeString(
        folder.resolve("config.json"), "{\"model_type\":\"retnet\",\"model_type\":\"retnet\"}");
    refuses("expected JSON", "the key model_type twice");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\":\"retnet\"} {}");
    refuses("expected JSON", "behind the end");
    Files.delete(folder.resolve("config.json"));
    refuses("config.json");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder.resolve("nowhere")))
        .withMessageContaining("nowhere");
  }

  /** Writes the tensors anew under other names; null drops one. */
  private static void rename(Path folder, UnaryOperator<String> names) throws IOException {
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        byte[] bytes = new byte[(int) (info.end() - info.begin())];
        files.readBytes(name, 0, bytes, bytes.length);
        String renamed = names.apply(name);
        if (renamed != null) {
          int row = (int) (info.shape().get(info.shape().size() - 1) * info.dtype().bytes());
          tensors.add(
              new OutTensor(
                  renamed,
                  info.dtype(),
                  info.shape(),
                  (index, into) -> into.put(bytes, (int) index * row, row)));
        }
      }
    }
    SafetensorsWriter.writeFile(folder.resolve("model.safetensors"), tensors, Map.of());
  }

  @Test
  void namesWhatIsMissingOrExtra() throws IOException {
    rename(folder, name -> name.equals("model.norm.weight") ? null : name);
    refuses("model.norm.weight", "[64]", "got none");
    rename(folder, name -> name.equals("lm_head.weight") ? "lm_head.wait" : name);
    refuses("got none");
    set(folder, "tie_word_embeddings", "true");
    refuses("model.norm.weight");
  }

  /** The names under which fla of today saves what a file lacks. */
  @Test
  void namesWhatIsMissingAsFlaDoes() throws IOException {
    rename(folder, name -> name.endsWith("0.mlp.up_proj.weight") ? null : name);
    refuses("model.layers.0.mlp.up_proj.weight of shape [96, 64]", "got none");
    rename(folder, name -> name.contains(".g_norm") ? null : name);
    refuses("model.layers.0.attn.g_norm_swish_gate.weight of shape [64]", "got none");
    set(folder, "use_output_gate", "false");
    refuses("model.layers.0.attn.g_norm.weight of shape [64]", "got none");
  }

  @Test
  void namesExtraTensors() throws IOException {
    rename(folder, name -> name);
    Path file = folder.resolve("model.safetensors");
    List<OutTensor> extra = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        extra.add(OutTensor.of(name, info.dtype(), info.shape(), (row, into) -> {}));
      }
    }
    extra.add(OutTensor.of("model.surprise", DType.F32, new double[3]));
    SafetensorsWriter.writeFile(file, extra, Map.of());
    refuses("got 1 others: model.surprise");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(
            () -> Checkpoint.open(folder).weightBytes(WeightChoice.FILE, ElementType.FLOAT32))
        .withMessageContaining("got 1 others: model.surprise");
  }

  @Test
  void namesExtraTensorsOfTorchscale() throws IOException {
    Path torchscale = Files.createDirectory(folder.resolve("torchscale"));
    copy("torchscale-f32", torchscale);
    set(torchscale, "decoder_layers", "1");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> load(torchscale).close())
        .withMessageContaining("got 10 others: layers.1.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.embeddings.weight | 133 | [2,5]",
        "model.layers.1.mlp.up_proj.weight | 133 | [2,5]",
        "model.layers.1.mlp.up_proj.weight | 6143 | [95,63]",
        "model.norm.weight | 0 | [0]",
        "model.norm.weight | 63 | [63]"
      })
  void refusesNonFiniteWeightsOnRequest(String tensor, int element, String place)
      throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve("model.safetensors"));
    long start;
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      start = 8 + header + file.tensors().get(tensor).begin();
    }
    int at = Math.toIntExact(start + 4L * element);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(at, Float.NaN);
    Files.write(folder.resolve("model.safetensors"), bytes);
    load(folder).close();
    long before = HeldMemory.liveBytes();
    for (WeightChoice choice : List.of(WeightChoice.FILE, WeightChoice.INT8)) {
      for (Engine engine : List.of(Engines.plain(), Engines.float64())) {
        LoadOptions options = LoadOptions.DEFAULT.withWeights(choice).withCheckFinite(true);
        assertThatExceptionOfType(CheckpointException.class)
            .isThrownBy(() -> Checkpoint.open(folder).load(engine, options))
            .withMessageContainingAll(tensor + place, "NaN");
        assertThat(HeldMemory.liveBytes()).isEqualTo(before);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "../model.safetensors",
    "/etc/passwd",
    "..",
    "a/b",
    "a\\\\b",
    "''",
    "c:x",
    "missing.safetensors"
  })
  void refusesShardsThatLeaveTheFolder(String shard) throws IOException {
    Files.delete(folder.resolve("model.safetensors"));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
    refuses(shard.startsWith("missing") ? "missing.safetensors" : "inside the folder");
  }

  @Test
  void refusesAnIndexThatShardsContradict() throws IOException {
    Files.move(folder.resolve("model.safetensors"), folder.resolve("s.safetensors"));
    Path index = folder.resolve("model.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\":{\"model.norm.weight\":\"s.safetensors\"}}");
    refuses("expected only tensors", "s.safetensors");
    Files.writeString(index, "{\"weight_map\":{\"nothing\":\"s.safetensors\"}}");
    refuses("expected tensor nothing");
    Files.writeString(index, "{\"weights\":{}}");
    refuses("weight_map");
    Files.writeString(index, "[");
    refuses("expected JSON");
  }

  private static INDArray logits(Path path, int[] ids) {
    try (LanguageModel model = Checkpoint.open(path).load(Engines.float64(), LoadOptions.DEFAULT);
        Session session = model.newSession()) {
      session.append(ids);
      double[] logits = new double[97];
      session.logits(0, logits);
      return Tensors.of(logits, DataType.DOUBLE, 1, 97);
    }
  }

  /** The port's names, its recomputed positions, and embeddings scaled or normed. */
  @Test
  void readsTheVariantsOfTorchscale() throws IOException {
    Path torchscale = Files.createDirectory(folder.resolve("torchscale"));
    copy("torchscale-f32", torchscale);
    int[] ids = {1, 5, 9, 33, 2, 2, 96};
    INDArray expected = logits(torchscale, ids);
    rename(
        torchscale,
        name -> name.equals("output_projection.weight") ? "lm_head.weight" : "model." + name);
    assertThat(logits(torchscale, ids)).isEqualTo(expected);

    // √64 = 8: a table of an eighth, scaled, is the same table.
    set(torchscale, "no_scale_embedding", "false");
    change(torchscale, "model.embed_tokens.weight", row -> scaled(row, 0.125));
    assertThat(logits(torchscale, ids)).isEqualTo(expected);

    // A table of normed rows under a plain configuration is the table under a norm.
    set(torchscale, "no_scale_embedding", "true");
    Path normed = Files.createDirectory(folder.resolve("normed"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(torchscale.resolve(name), normed.resolve(name));
    }
    change(normed, "model.embed_tokens.weight", CheckpointErrorsTest::normed);
    set(torchscale, "layernorm_embedding", "true");
    addOnes(torchscale, "model.layernorm_embedding.weight", 64);
    TensorAssert.assertThat(logits(torchscale, ids))
        .isCloseTo(logits(normed, ids), Tolerance.of("tables rounded to fp32", 1e-6));
  }

  private static double[] scaled(double[] row, double factor) {
    return java.util.Arrays.stream(row).map(x -> x * factor).toArray();
  }

  private static double[] normed(double[] row) {
    double mean = java.util.Arrays.stream(row).map(x -> x * x).average().orElse(0);
    return scaled(row, 1 / Math.sqrt(mean + 1e-6));
  }

  private static void change(Path folder, String tensor, UnaryOperator<double[]> rows)
      throws IOException {
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        int n = info.shape().get(info.shape().size() - 1).intValue();
        double[] values = new double[(int) info.elements()];
        files.read(name, 0, values.length, values);
        for (int at = 0; at < values.length && name.equals(tensor); at += n) {
          double[] row = rows.apply(java.util.Arrays.copyOfRange(values, at, at + n));
          System.arraycopy(row, 0, values, at, n);
        }
        tensors.add(
            OutTensor.of(
                name,
                info.dtype(),
                info.shape(),
                (row, into) -> System.arraycopy(values, (int) row * n, into, 0, n)));
      }
    }
    SafetensorsWriter.writeFile(folder.resolve("model.safetensors"), tensors, Map.of());
  }

  private static void addOnes(Path folder, String tensor, int n) throws IOException {
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        int width = info.shape().get(info.shape().size() - 1).intValue();
        double[] values = new double[(int) info.elements()];
        files.read(name, 0, values.length, values);
        tensors.add(
            OutTensor.of(
                name,
                info.dtype(),
                info.shape(),
                (row, into) -> System.arraycopy(values, (int) row * width, into, 0, width)));
      }
    }
    double[] ones = new double[n];
    java.util.Arrays.fill(ones, 1);
    tensors.add(OutTensor.of(tensor, DType.F32, ones));
    SafetensorsWriter.writeFile(folder.resolve("model.safetensors"), tensors, Map.of());
  }
}
