package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * Every option of the torchscale format that is built, on random weights, against plain float64.
 */
class TorchscaleOptionsTest {
  private static final Tolerance WIDE = tolerance(ElementType.FLOAT64);
  private static final Tolerance SINGLE = tolerance(ElementType.FLOAT32);
  private static final String BASE =
      "'model_type':'retnet','decoder_embed_dim':32,'decoder_value_embed_dim':64,"
          + "'decoder_retention_heads':4,'decoder_ffn_embed_dim':24,'decoder_layers':2,"
          + "'vocab_size':50";

  private static final int[] IDS = new SplittableRandom(5).ints(70, 0, 50).toArray();

  @TempDir private Path folder;

  private final Map<String, double[][]> tensors = new LinkedHashMap<>();
  private final SplittableRandom random = new SplittableRandom(11);

  private static Tolerance tolerance(ElementType type) {
    return Tolerance.of(type + " model", Bounds.torchscaleModel(type));
  }

  private void matrix(String name, int rows, int columns) {
    double[][] m = new double[rows][columns];
    for (double[] row : m) {
      // Of float64 type, but numbers of fp32, for the fp32 engine to start from the same.
      Arrays.setAll(row, i -> (float) ((random.nextDouble() - 0.5) * 4 / Math.sqrt(columns)));
    }
    tensors.put(name, m);
  }

  private void vector(String name, int n) {
    double[] v = new double[n];
    Arrays.setAll(v, i -> (float) (0.5 + random.nextDouble()));
    tensors.put(name, new double[][] {v});
  }

  private void draw(JsonNode json, String root) {
    int d = json.get("decoder_embed_dim").intValue();
    int values = json.get("decoder_value_embed_dim").intValue();
    int hidden = json.get("decoder_ffn_embed_dim").intValue();
    int vocabulary = json.get("vocab_size").intValue();
    matrix(root + "embed_tokens.weight", vocabulary, d);
    if (json.path("layernorm_embedding").asBoolean()) {
      vector(root + "layernorm_embedding.weight", d);
    }
    for (int i = 0; i < json.get("decoder_layers").intValue(); i++) {
      String prefix = root + "layers." + i + ".";
      matrix(prefix + "retention.q_proj.weight", d, d);
      matrix(prefix + "retention.k_proj.weight", d, d);
      matrix(prefix + "retention.v_proj.weight", values, d);
      matrix(prefix + "retention.g_proj.weight", values, d);
      matrix(prefix + "retention.out_proj.weight", d, values);
      vector(prefix + "retention_layer_norm.weight", d);
      matrix(prefix + "ffn.fc1.weight", hidden, d);
      matrix(prefix + "ffn.gate.weight", hidden, d);
      matrix(prefix + "ffn.fc2.weight", d, hidden);
      vector(prefix + "final_layer_norm.weight", d);
    }
    vector(root + "layer_norm.weight", d);
    matrix(output(root), vocabulary, d);
    if (isTied(json)) {
      tensors.put(output(root), tensors.get(root + "embed_tokens.weight"));
    }
    // Of no use: both are computed anew.
    vector(root + "retnet_rel_pos.angle", 3);
    vector(root + "retnet_rel_pos.decay", 5);
  }

  private static String output(String root) {
    return root.isEmpty() ? "output_projection.weight" : "lm_head.weight";
  }

  private static boolean isTied(JsonNode json) {
    return json.path("share_decoder_input_output_embed").asBoolean()
        || json.path("tie_word_embeddings").asBoolean();
  }

  private void write() throws IOException {
    List<OutTensor> out = new ArrayList<>();
    tensors.forEach(
        (name, rows) -> {
          boolean vector = rows.length == 1;
          List<Long> shape =
              vector
                  ? List.of((long) rows[0].length)
                  : List.of((long) rows.length, (long) rows[0].length);
          out.add(
              OutTensor.of(
                  name,
                  DType.F32,
                  shape,
                  (row, into) -> System.arraycopy(rows[(int) row], 0, into, 0, into.length)));
        });
    SafetensorsWriter.writeFile(folder.resolve("model.safetensors"), out, Map.of());
  }

  private static INDArray expected(JsonNode json, Map<String, double[][]> tensors, String root) {
    double[][] logits = new PlainTorchscale(json, tensors, root).logits(IDS);
    double[] flat = Arrays.stream(logits).flatMapToDouble(Arrays::stream).toArray();
    return Tensors.of(flat, DataType.DOUBLE, 1, IDS.length, logits[0].length);
  }

  private void assertEqual(String keys, String root) throws IOException {
    String config = ("{" + keys + "}").replace('\'', '"');
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(config);
    Files.writeString(folder.resolve("config.json"), config);
    draw(json, root);
    write();
    INDArray expected = expected(json, tensors, root);
    TensorAssert.assertThat(SplitLogits.of(folder, Engines.float64(), IDS))
        .isCloseTo(expected, WIDE);
    TensorAssert.assertThat(SplitLogits.of(folder, Engines.vector(), IDS))
        .isCloseTo(expected, SINGLE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'activation_fn':'swish'",
        ",'activation_fn':'gelu','layernorm_eps':0.01",
        ",'use_lm_decay':true",
        ",'share_decoder_input_output_embed':true",
        ",'tie_word_embeddings':true",
        ",'no_scale_embedding':false",
        ",'layernorm_embedding':true",
        ",'layernorm_embedding':true,'no_scale_embedding':false,'activation_fn':'swish'",
        ",'subln':true,'deepnorm':false,'use_glu':true,'moe_freq':0,'multiway':false,"
            + "'decoder_normalize_before':true"
      })
  void everyOptionGivesWhatPlainArithmeticGives(String options) throws IOException {
    assertEqual(BASE + options, "");
  }

  /** Other widths than 2·D, a single head, and heads of a single pair. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'decoder_value_embed_dim':64|'decoder_value_embed_dim':32",
        "'decoder_value_embed_dim':64|'decoder_value_embed_dim':52",
        "'decoder_retention_heads':4|'decoder_retention_heads':1",
        "'decoder_retention_heads':4|'decoder_retention_heads':16"
      })
  void everyShapeGivesWhatPlainArithmeticGives(String change) throws IOException {
    String[] parts = change.split("\\|");
    assertEqual(BASE.replace(parts[0], parts[1]), "");
    assertEqual(BASE.replace(parts[0], parts[1]) + ",'use_lm_decay':true", "");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",'use_lm_decay':true,'tie_word_embeddings':true"})
  void thePortGivesWhatPlainArithmeticGives(String options) throws IOException {
    assertEqual(BASE + options, "model.");
  }

  /** Which of the two would be taken elsewhere depends on their order in the file. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "'share_decoder_input_output_embed':true,",
        "'tie_word_embeddings':true,",
        "'tie_word_embeddings':true, model."
      })
  void aTiedOutputThatIsAnotherMatrixIsRefused(String option, String port) throws IOException {
    String root = port == null ? "" : port;
    String config = ("{" + BASE + "," + option + "}").replace('\'', '"');
    Files.writeString(folder.resolve("config.json"), config);
    draw(new ObjectMapper().readTree(config), root);
    write();
    Checkpoint.open(folder).parts().close();
    double[][] other =
        Arrays.stream(tensors.get(output(root))).map(double[]::clone).toArray(double[][]::new);
    other[49][31] = 0.5;
    tensors.put(output(root), other);
    write();
    Checkpoint checkpoint = Checkpoint.open(folder);
    List<ThrowingCallable> uses =
        List.of(
            () -> checkpoint.load(Engines.float64(), LoadOptions.DEFAULT).close(),
            () -> checkpoint.parts().close(),
            () ->
                CheckpointWriter.convert(checkpoint, folder.resolve("copy"), WriteOptions.DEFAULT));
    for (ThrowingCallable use : uses) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(use)
          .withMessageContainingAll(
              output(root), root + "embed_tokens.weight", "config.json", "got 0.5 and", "[49,31]");
    }
    assertThat(folder.resolve("copy")).doesNotExist();
    tensors.remove(output(root));
    write();
    Checkpoint.open(folder).parts().close();
  }

  /** The plain arithmetic itself, against torchscale's own numbers. */
  @Test
  void plainArithmeticGivesTheGoldenLogits() throws IOException {
    Path golden = Npy.path("/golden/model/torchscale-f32");
    JsonNode json = new ObjectMapper().readTree(golden.resolve("config.json").toFile());
    try (CheckpointFiles files = CheckpointFiles.open(golden)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        int columns = info.shape().get(info.shape().size() - 1).intValue();
        double[][] rows = new double[(int) info.elements() / columns][columns];
        for (int i = 0; i < rows.length; i++) {
          files.read(name, (long) i * columns, columns, rows[i]);
        }
        tensors.put(name, rows);
      }
    }
    int[][] ids = Npy.readIds("/golden/model/torchscale-f32/input_ids.npy");
    double[] flat =
        Arrays.stream(ids)
            .flatMap(row -> Arrays.stream(new PlainTorchscale(json, tensors, "").logits(row)))
            .flatMapToDouble(Arrays::stream)
            .toArray();
    TensorAssert.assertThat(Tensors.of(flat, DataType.DOUBLE, ids.length, ids[0].length, 97))
        .isCloseTo(Npy.read("/golden/model/torchscale-f32/logits_recurrent.npy"), WIDE);
  }
}
