package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.estimate.MemoryEstimate;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.StateSize;

/** What memory is said to be taken, against what is taken. */
class MemoryEstimateTest {
  private static final List<String> GOLDEN =
      List.of("fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32");

  /** Other processors fill up small matrices otherwise. */
  private static final double ERROR =
      Engines.vector().kernelsName().equals("vector-512") ? 0.01 : 0.4;

  /**
   * The estimate is of the best route; the other fills up small int8 matrices otherwise, and with
   * AMX has no correction beside some of them.
   */
  private static final double OF_ANOTHER_ROUTE = ERROR + 0.05;

  @TempDir private Path folder;

  static Stream<Arguments> loads() {
    List<Arguments> loads = new ArrayList<>();
    for (String model : GOLDEN) {
      for (WeightChoice choice : WeightChoice.values()) {
        loads.add(Arguments.of(model, choice));
      }
    }
    return loads.stream();
  }

  private static void isCloseToWhatLoadingTakes(Path model, WeightChoice choice) {
    Checkpoint checkpoint = Checkpoint.open(model);
    for (Engine engine : List.of(Engines.plain(), Engines.vector(), Engines.float64())) {
      long said = checkpoint.weightBytes(choice, engine.type());
      try (LanguageModel loaded =
          checkpoint.load(engine, LoadOptions.DEFAULT.withWeights(choice))) {
        double error = engine == Engines.plain() ? OF_ANOTHER_ROUTE : ERROR;
        assertThat((double) said / loaded.weightBytes()).isBetween(1 - error, 1 + error);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("loads")
  void weightsOfGoldenModels(String model, WeightChoice choice) {
    isCloseToWhatLoadingTakes(Npy.path("/golden/model/" + model), choice);
  }

  /** Blocks of many outputs, and widths that are filled up; tied or not. */
  @ParameterizedTest
  @CsvSource({
    "F16, false, FILE",
    "F64, true, FILE",
    "BF16, true, FILE",
    "F32, false, BFLOAT16",
    "F32, true, INT8"
  })
  void weightsOfUnevenWidths(DType dtype, boolean tied, WeightChoice choice) throws IOException {
    Path model =
        create(
            "{'model_type':'retnet','hidden_size':100,'num_heads':5,'num_hidden_layers':2,"
                + "'intermediate_size':1100,'vocab_size':2077,'tie_word_embeddings':"
                + tied
                + "}",
            dtype);
    isCloseToWhatLoadingTakes(model, choice);
  }

  /** One matrix in the file, two in memory. */
  @Test
  void weightsOfAFusedFeedForward() throws IOException {
    Path model =
        create(
            "{'model_type':'retnet','hidden_size':64,'num_heads':2,'num_hidden_layers':1,"
                + "'intermediate_size':1500,'vocab_size':10}",
            DType.F32);
    List<OutTensor> fused = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(model)) {
      for (String name : files.names()) {
        boolean gate = name.endsWith("gate_proj.weight");
        if (!name.endsWith("up_proj.weight")) {
          List<Long> shape = gate ? List.of(3000L, 64L) : files.info(name).shape();
          fused.add(OutTensor.of(name, DType.F32, shape, (row, into) -> {}));
        }
      }
    }
    SafetensorsWriter.writeFile(model.resolve("model.safetensors"), fused, Map.of());
    isCloseToWhatLoadingTakes(model, WeightChoice.FILE);
    isCloseToWhatLoadingTakes(model, WeightChoice.INT8);
  }

  private Path create(String json, DType dtype) throws IOException {
    Path file = Files.writeString(folder.resolve("shape.json"), json.replace('\'', '"'));
    Path model = folder.resolve("model");
    CheckpointWriter.writeRandom(Configuration.read(file), model, dtype, 3, (name, bytes) -> {});
    return model;
  }

  private static StateSize size(DecoderConfig config, CacheType type, long length) {
    KvCacheOptions options = KvCacheOptions.DEFAULT.withCacheType(type);
    return new MemoryEstimate(ElementType.FLOAT32).sequence(config, options, length);
  }

  private static double held(LanguageModel model, CacheType type, int length) {
    SessionOptions options =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withCacheType(type));
    try (Session session = model.newSession(1, options)) {
      session.append(new int[length]);
      return session.bytes();
    }
  }

  /** By length: one block, part of a block more, before and after doubling. */
  @ParameterizedTest
  @CsvSource({"1", "256", "257", "700", "1024", "1025"})
  void statesAndFullCachesTakeWhatIsSaid(int length) {
    Checkpoint checkpoint = Checkpoint.open(Npy.path("/golden/model/fla-hybrid"));
    DecoderConfig c = checkpoint.config();
    try (LanguageModel model = checkpoint.load(Engines.plain(), LoadOptions.DEFAULT)) {
      for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
        double said = size(c, type, length).fixed() + size(c, type, length).heldCache();
        assertThat(held(model, type, length)).isEqualTo(said);
      }
    }
  }

  /** A window holds its tokens, a piece, and blocks that are cut into; not one block more. */
  @ParameterizedTest
  @CsvSource({"10, 3000", "256, 3000", "300, 2500", "700, 4000", "700, 600"})
  void windowsHoldAtMostWhatIsSaid(int window, int length) throws IOException {
    Path folder =
        create(
            "{'model_type':'retnet','hidden_size':32,'num_heads':2,'num_hidden_layers':1,"
                + "'vocab_size':64,'attn':{'layers':[0],'num_heads':2,'window_size':"
                + window
                + "}}",
            DType.F32);
    Checkpoint checkpoint = Checkpoint.open(folder);
    DecoderConfig c = checkpoint.config();
    double block = 4.0 * 256 * 2 * 32;
    try (LanguageModel model = checkpoint.load(Engines.plain(), LoadOptions.DEFAULT)) {
      StateSize size = size(c, CacheType.FLOAT32, length);
      double said = size.heldCache();
      assertThat(held(model, CacheType.FLOAT32, length)).isBetween(said - block, said);
      assertThat(size.cache())
          .isEqualTo(4.0 * 2 * 32 * Math.min(window, length))
          .isLessThanOrEqualTo(said);
    }
  }

  @Test
  void theNumbersOfThePublishedModel() throws IOException {
    Path file = Files.writeString(folder.resolve("c.json"), "{\"model_type\":\"retnet\"}");
    DecoderConfig c = Configuration.read(file).decoder();
    // 24 layers, 8 heads of 256 x 512 and 16 waiting keys and values, fp32.
    assertThat(size(c, CacheType.FLOAT32, 8192))
        .isEqualTo(new StateSize(24L * 8 * 4 * (256 * 512 + 16 * 768), 0, 0));
  }
}
