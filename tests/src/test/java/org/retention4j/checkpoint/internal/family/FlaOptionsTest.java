package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.model.LanguageModel;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Every option of the fla format, on random weights, against plain float64. */
class FlaOptionsTest {
  private static final int TOKENS = 70;

  @TempDir private Path folder;

  /** Makes a checkpoint whose tensors have the shapes that a configuration asks for. */
  private Path create(String json, DType dtype) throws IOException {
    String whole = json.replace('\'', '"');
    Path file = Files.writeString(folder.resolve("shape.json"), whole);
    Path model = folder.resolve("model");
    CheckpointWriter.writeRandom(Checkpoint.readConfig(file), model, dtype, 7, (name, bytes) -> {});
    spread(model, dtype);
    Files.writeString(model.resolve("config.json"), whole);
    return model;
  }

  /**
   * Makes norms and biases other than 1 and 0, or nobody would see them; numbers of float64 that no
   * fp32 number is, or nobody would see them rounded.
   */
  private static void spread(Path model, DType dtype) throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    boolean wide = dtype == DType.F64;
    rewrite(
        model,
        (name, info, values) -> {
          if (info.shape().size() == 1) {
            Arrays.setAll(values, i -> 0.5 + random.nextDouble());
          } else {
            Arrays.setAll(values, i -> 10 * values[i]);
          }
          if (!wide) {
            Arrays.setAll(values, i -> (float) values[i]);
          }
          assertThat(Arrays.stream(values).allMatch(x -> x == (float) x)).isEqualTo(!wide);
          return name;
        });
  }

  private interface Change {
    String apply(String name, TensorInfo info, double[] values);
  }

  private static void rewrite(Path model, Change change) throws IOException {
    Path file = model.resolve("model.safetensors");
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(model)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        double[] values = new double[(int) info.elements()];
        files.read(name, 0, values.length, values);
        String renamed = change.apply(name, info, values);
        if (renamed != null) {
          tensors.add(tensor(renamed, info.dtype(), info.shape(), values));
        }
      }
    }
    SafetensorsWriter.writeFile(file, tensors, java.util.Map.of());
  }

  private static OutTensor tensor(String name, DType dtype, List<Long> shape, double[] values) {
    return OutTensor.of(
        name,
        dtype,
        shape,
        (row, into) -> System.arraycopy(values, (int) row * into.length, into, 0, into.length));
  }

  private static int[] ids(int vocabulary) {
    return new SplittableRandom(5).ints(TOKENS, 0, vocabulary).toArray();
  }

  private static INDArray expected(Path model, int[] ids) throws IOException {
    JsonNode json = new ObjectMapper().readTree(model.resolve("config.json").toFile());
    try (CheckpointFiles files = CheckpointFiles.open(model)) {
      double[][] logits = new PlainFla(json, files).logits(ids);
      double[] flat = Arrays.stream(logits).flatMapToDouble(Arrays::stream).toArray();
      return Tensors.of(flat, DataType.DOUBLE, 1, ids.length, logits[0].length);
    }
  }

  private static void assertEqual(Path model) throws IOException {
    int vocabulary = Checkpoint.open(model).config().vocabulary();
    int[] ids = ids(vocabulary);
    INDArray expected = expected(model, ids);
    TensorAssert.assertThat(SplitLogits.of(model, Engines.float64(), ids))
        .isCloseTo(expected, tolerance(ElementType.FLOAT64));
    TensorAssert.assertThat(SplitLogits.of(model, Engines.vector(), ids))
        .isCloseTo(expected, tolerance(ElementType.FLOAT32));
  }

  private static Tolerance tolerance(ElementType type) {
    return Tolerance.of(type + " model", Bounds.model(type));
  }

  private static final String BASE =
      "'model_type':'retnet','hidden_size':32,'num_hidden_layers':3,'num_heads':4,"
          + "'vocab_size':50,'intermediate_size':40";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'num_kv_heads':2",
        ",'num_kv_heads':1,'expand_k':0.5,'expand_v':1.5",
        ",'use_output_gate':false",
        ",'elementwise_affine':false",
        ",'use_output_gate':false,'elementwise_affine':false",
        ",'feature_map':'relu'",
        ",'feature_map':'identity','hidden_act':'silu'",
        ",'tie_word_embeddings':true",
        ",'norm_eps':0.01",
        ",'attn':{'layers':[0,2],'num_heads':4,'num_kv_heads':2,'qkv_bias':true}",
        ",'attn':{'layers':[1],'num_heads':2,'window_size':9,'rope_theta':500.0}",
        ",'attn':[{'layers':[0],'num_heads':2,'window_size':64},"
            + "{'layers':[1,2],'num_heads':4,'num_kv_heads':1}]",
        ",'attn':{'layers':[0,1,2],'num_heads':8}"
      })
  void everyOptionGivesWhatPlainArithmeticGives(String options) throws IOException {
    assertEqual(create("{" + BASE + options + "}", DType.F32));
  }

  @ParameterizedTest
  @ValueSource(strings = {"F64", "F16", "BF16"})
  void everyTypeIsRead(String dtype) throws IOException {
    assertEqual(create("{" + BASE + "}", DType.valueOf(dtype)));
  }

  /** What the float64 engine read from F64, it writes as F64, to the bit. */
  @Test
  void writesFloat64AsItIs() throws IOException {
    Path model = create("{" + BASE + ",'attn':{'layers':[1],'num_heads':4}}", DType.F64);
    Path copy = folder.resolve("copy");
    try (LanguageModel loaded =
        Checkpoint.open(model).load(Engines.float64(), LoadOptions.DEFAULT)) {
      CheckpointWriter.write(loaded, copy, DType.F64);
    }
    try (CheckpointFiles before = CheckpointFiles.open(model);
        CheckpointFiles after = CheckpointFiles.open(copy)) {
      assertThat(after.names()).isEqualTo(before.names());
      for (String name : before.names()) {
        double[] expected = new double[(int) before.info(name).elements()];
        before.read(name, 0, expected.length, expected);
        double[] actual = new double[expected.length];
        after.read(name, 0, actual.length, actual);
        assertThat(actual).as(name).isEqualTo(expected);
      }
    }
  }

  /** Older files: gate and up in one matrix, and the norm's other name. */
  @Test
  void readsOlderNames() throws IOException {
    Path model = create("{" + BASE + "}", DType.F32);
    INDArray before = expected(model, ids(50));
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(model)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        double[] values = new double[(int) info.elements()];
        files.read(name, 0, values.length, values);
        if (name.endsWith("gate_proj.weight")) {
          double[] up = new double[values.length];
          files.read(name.replace("gate_proj", "up_proj"), 0, up.length, up);
          double[] both = Arrays.copyOf(values, 2 * values.length);
          System.arraycopy(up, 0, both, values.length, up.length);
          tensors.add(tensor(name, info.dtype(), List.of(80L, 32L), both));
        } else if (!name.endsWith("up_proj.weight")) {
          String renamed = name.replace("g_norm_swish_gate", "g_norm");
          tensors.add(tensor(renamed, info.dtype(), info.shape(), values));
        }
      }
    }
    SafetensorsWriter.writeFile(model.resolve("model.safetensors"), tensors, java.util.Map.of());
    assertThat(expected(model, ids(50))).isEqualTo(before);
    assertEqual(model);
  }

  /** A tied output that is in the file all the same is ignored. */
  @Test
  void ignoresATiedOutputInTheFile() throws IOException {
    Path model = create("{" + BASE + "}", DType.F32);
    ObjectNode json =
        (ObjectNode) new ObjectMapper().readTree(model.resolve("config.json").toFile());
    json.put("tie_word_embeddings", true);
    Files.writeString(model.resolve("config.json"), json.toString());
    assertEqual(model);
  }

  /** Shards, and a conversion back into one file: the same bits. */
  @Test
  void readsAndWritesShards() throws IOException {
    Path model = create("{" + BASE + "}", DType.F32);
    Path shards = folder.resolve("shards");
    Checkpoint checkpoint = Checkpoint.open(model);
    CheckpointWriter.convert(checkpoint, shards, WriteOptions.DEFAULT.withShardBytes(20_000));
    assertThat(shards.resolve("model.safetensors.index.json")).exists();
    assertThat(shards.resolve("model.safetensors")).doesNotExist();
    int[] ids = ids(50);
    assertThat(SplitLogits.of(shards, Engines.plain(), ids))
        .isEqualTo(SplitLogits.of(model, Engines.plain(), ids));
    Path back = folder.resolve("back");
    CheckpointWriter.convert(
        Checkpoint.open(shards), back, WriteOptions.DEFAULT.withShardBytes(Long.MAX_VALUE));
    assertThat(SplitLogits.of(back, Engines.plain(), ids))
        .isEqualTo(SplitLogits.of(model, Engines.plain(), ids));
    try (var files = Files.list(shards)) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".tmp"));
    }
  }

  /** Digits in the names of shards are ASCII, whatever the language of the machine. */
  @Test
  void namesShardsTheSameInEveryLanguage() throws IOException {
    Path model = create("{" + BASE + "}", DType.F32);
    Path shards = folder.resolve("shards");
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      CheckpointWriter.convert(
          Checkpoint.open(model), shards, WriteOptions.DEFAULT.withShardBytes(20_000));
    } finally {
      Locale.setDefault(before);
    }
    assertThat(shards).isDirectoryContaining("regex:.*/model-00001-of-[0-9]{5}\\.safetensors");
  }

  /** A model made here, written and read again, is the same to the bit. */
  @Test
  void writesWhatItReads() throws IOException {
    Path model =
        create(
            "{"
                + BASE
                + ",'num_kv_heads':2,'attn':{'layers':[1],'num_heads':4,'qkv_bias':true,"
                + "'window_size':8}}",
            DType.F32);
    Path copy = folder.resolve("copy");
    try (LanguageModel loaded = Checkpoint.open(model).load(Engines.plain(), LoadOptions.DEFAULT)) {
      CheckpointWriter.write(loaded, copy, DType.F32);
    }
    assertThat(Checkpoint.open(copy).config()).isEqualTo(Checkpoint.open(model).config());
    int[] ids = ids(50);
    assertThat(SplitLogits.of(copy, Engines.plain(), ids))
        .isEqualTo(SplitLogits.of(model, Engines.plain(), ids));
  }
}
