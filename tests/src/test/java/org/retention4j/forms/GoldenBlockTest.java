package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.retention4j.testkit.TensorAssert.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.core.BlockInput;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.RetentionConfigBuilder;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.Rotation;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.NormKind;
import org.retention4j.nn.WeightSpec;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * The block from x to y against outputs and states that independent code computed in float64, with
 * resets and from a state in the middle of a sequence, whole and split.
 */
class GoldenBlockTest {
  /** Of whole blocks in float64; in fp32 that of the norm's output, which is what y is made of. */
  private static Tolerance tolerance(Variant variant) {
    return Tolerance.block(variant.dataType());
  }

  private record Golden(
      String name, RetentionConfig config, long startPosition, RetentionParameters parameters) {
    INDArray read(String array) {
      return Npy.read("/golden/block/" + name + "/" + array + ".npy");
    }

    boolean has(String array) {
      return Npy.exists("/golden/block/" + name + "/" + array + ".npy");
    }

    BlockInput input(DataType type) {
      BlockInput input = BlockInput.of(read("x").castTo(type));
      if (has("x_kv")) {
        input = input.withKeyValues(read("x_kv").castTo(type));
      }
      INDArray decay = read("log_decay");
      if (decay.rank() == 3) {
        input = input.withDecay(LogDecay.perToken(decay.castTo(type)));
      }
      return has("resets") ? input.withResets(resets()) : input;
    }

    private Resets resets() {
      int[][] marks = Npy.readIds("/golden/block/" + name + "/resets.npy");
      boolean[][] mask = new boolean[marks.length][marks[0].length];
      for (int b = 0; b < marks.length; b++) {
        for (int t = 0; t < marks[b].length; t++) {
          mask[b][t] = marks[b][t] != 0;
        }
      }
      return Resets.mask(mask);
    }

    INDArray initial() {
      return has("initial_state")
          ? read("initial_state")
          : Nd4j.zeros(
              DataType.DOUBLE,
              read("x").size(0),
              config.heads(),
              config.keyWidth(),
              config.valueWidth());
    }

    long[] positions() {
      long[] positions = new long[(int) read("x").size(0)];
      Arrays.fill(positions, startPosition);
      return positions;
    }
  }

  /** The block as block.json and the tensors' names and shapes describe it. */
  private static Golden golden(String name) {
    String folder = "/golden/block/" + name + "/";
    try (SafetensorsFile file = SafetensorsFile.open(Npy.path(folder + "weights.safetensors"))) {
      JsonNode json = new ObjectMapper().readTree(Npy.path(folder + "block.json").toFile());
      RetentionConfig config = config(name, json, file.tensors());
      return new Golden(
          name, config, json.get("start_position").asLong(), parameters(config, file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RetentionConfig config(
      String name, JsonNode json, Map<String, TensorInfo> tensors) {
    int heads = json.get("heads").asInt();
    int keyWidth = json.get("key_width").asInt();
    int valueWidth = json.get("value_width").asInt();
    int width = tensors.get("q.weight").shape().get(1).intValue();
    int stream = tensors.get("k.weight").shape().get(1).intValue();
    int rotated = json.get("rotated").asInt();
    RetentionConfigBuilder builder =
        RetentionConfig.builder(width, heads)
            .kvHeads(json.get("kv_heads").asInt())
            .keyWidth(keyWidth)
            .valueWidth(valueWidth)
            .rotation(rotated == 0 ? Rotation.NONE : Rotation.FLA.channels(rotated))
            .featureMap(activation(json.get("feature_map")))
            .valueMap(activation(json.get("value_map")))
            .queryKeyNorm(json.get("qk_norm").asBoolean())
            .scaleKeys(json.get("scale_on").asText().equals("keys"))
            .normaliseOutput(json.get("normalise_output").asBoolean())
            .norm(norm(json, tensors, heads * valueWidth))
            .normEps(json.get("eps").asDouble())
            .gate(activation(json.get("gate")))
            .biases(
                Arrays.stream(Projection.values())
                    .filter(p -> tensors.containsKey(letter(p) + ".bias"))
                    .toArray(Projection[]::new));
    INDArray decay = Npy.read("/golden/block/" + name + "/log_decay.npy");
    if (decay.rank() == 1) {
      builder.decay(schedule(name, heads));
    }
    return (stream == width ? builder : builder.keyValueInput(stream)).build();
  }

  /** What the cases' files hold as numbers is compared with these below. */
  private static DecaySchedule schedule(String name, int heads) {
    return switch (name) {
      case "diarisation" -> DecaySchedule.custom(1, 1, 1);
      case "lightning" -> DecaySchedule.slopes(heads, 1, 4);
      default -> DecaySchedule.pow2(heads);
    };
  }

  private static HeadNorm norm(JsonNode json, Map<String, TensorInfo> tensors, int channels) {
    int groups = json.get("norm_groups").asInt();
    TensorInfo weight = tensors.get("norm.weight");
    HeadNorm.Weight kind = HeadNorm.Weight.NONE;
    if (weight != null) {
      boolean each = weight.shape().get(0) == channels;
      kind = each ? HeadNorm.Weight.PER_CHANNEL : HeadNorm.Weight.SHARED;
    }
    boolean layer = json.get("norm").asText().equals("layer");
    return new HeadNorm(
        layer ? NormKind.LAYER : NormKind.RMS, groups, kind, tensors.containsKey("norm.bias"));
  }

  private static Activation activation(JsonNode word) {
    String name = word.asText().toUpperCase(Locale.ROOT);
    return name.equals("IDENTITY") ? Activation.NONE : Activation.valueOf(name);
  }

  /** The cases' letter for a projection. */
  private static String letter(Projection projection) {
    return projection.name().substring(0, 1).toLowerCase(Locale.ROOT);
  }

  private static RetentionParameters parameters(RetentionConfig config, SafetensorsFile file) {
    Map<String, String> names = new HashMap<>();
    for (Projection projection : Projection.values()) {
      names.put(projection.biasName(), letter(projection) + ".bias");
    }
    names.put(RetentionConfig.HEAD_NORM, "norm.weight");
    names.put(RetentionConfig.HEAD_NORM_BIAS, "norm.bias");
    names.put(RetentionConfig.QUERY_NORM, "q_norm.weight");
    names.put(RetentionConfig.KEY_NORM, "k_norm.weight");
    Map<String, double[]> vectors = new HashMap<>();
    for (WeightSpec weight : config.weights()) {
      if (!weight.isMatrix()) {
        INDArray tensor = tensor(file, names.get(weight.name()));
        vectors.put(weight.name(), tensor.toDoubleVector());
      }
    }
    return new RetentionParameters(
        tensor(file, "q.weight"),
        tensor(file, "k.weight"),
        tensor(file, "v.weight"),
        config.gated() ? Optional.of(tensor(file, "g.weight")) : Optional.empty(),
        tensor(file, "o.weight"),
        vectors);
  }

  private static INDArray tensor(SafetensorsFile file, String name) {
    TensorInfo info = file.tensors().get(name);
    long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
    double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    file.read(info, 0, values.length, values);
    return Tensors.of(values, DataType.DOUBLE, shape);
  }

  private static List<Golden> cases() {
    return Stream.of("packed", "continued", "diarisation", "lightning", "two-streams")
        .map(GoldenBlockTest::golden)
        .toList();
  }

  static Stream<Arguments> casesAndVariants() {
    return cases().stream()
        .flatMap(golden -> Variant.all().stream().map(v -> Arguments.of(golden, v)));
  }

  /** The presets are what the cases were computed with. */
  @Test
  void presetsAreThoseOfTheCases() {
    assertThat(golden("diarisation").config).isEqualTo(RetentionConfig.diarisation(24, 3));
    assertThat(golden("lightning").config).isEqualTo(RetentionConfig.lightning(32, 4, 1, 4));
  }

  /** The decay in a case's file is that of the schedule that stands for it here. */
  @ParameterizedTest
  @MethodSource("cases")
  void decaysAreThoseOfTheCase(Golden golden) {
    INDArray decay = golden.read("log_decay");
    if (decay.rank() == 1) {
      assertThat(golden.config.decay().logDecay().values())
          .containsExactly(decay.toDoubleVector(), within(1e-15));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void referenceGivesTheGoldenNumbers(Golden golden) {
    ReferenceBlock.Result result =
        ReferenceBlock.forward(
            golden.config,
            golden.parameters,
            golden.input(DataType.DOUBLE),
            golden.initial(),
            golden.positions());
    Tolerance tolerance = Tolerance.block(DataType.DOUBLE);
    assertThat(result.output()).isCloseTo(golden.read("y"), tolerance);
    assertThat(result.coreOutput()).isCloseTo(golden.read("core_output"), tolerance);
    assertThat(result.state()).isStateCloseTo(golden.read("final_state"), tolerance);
  }

  @ParameterizedTest
  @MethodSource("casesAndVariants")
  void blockGivesTheGoldenNumbers(Golden golden, Variant variant) {
    DataType type = variant.dataType();
    WeightType weightType = type == DataType.DOUBLE ? WeightType.FLOAT64 : WeightType.FLOAT32;
    BlockInput input = golden.input(type);
    int tokens = (int) input.x().size(1);
    try (RetentionWeights weights =
        RetentionWeights.pack(
            variant.engine(), golden.config, typed(golden.parameters, type), weightType)) {
      MultiScaleRetention block = new MultiScaleRetention(variant.engine(), weights);
      for (int split : splits(tokens, input.resets())) {
        try (RetentionState state =
            RetentionState.of(
                variant.engine(),
                golden.initial().castTo(type),
                golden.positions(),
                golden.config.stateConvention())) {
          INDArray first = block.forward(variant.form(), part(input, 0, split), state);
          INDArray rest = block.forward(variant.form(), part(input, split, tokens), state);
          TensorAssert.assertThat(split == 0 ? rest : Tensors.concatTokens(first, rest))
              .as("split at %d", split)
              .isCloseTo(golden.read("y"), tolerance(variant));
          assertThat(state.toArray())
              .isStateCloseTo(golden.read("final_state"), tolerance(variant));
        }
      }
    }
  }

  /** Around the borders of chunks and of pending tokens, and around each reset. */
  private static Set<Integer> splits(int tokens, Resets resets) {
    Set<Integer> splits = new TreeSet<>(List.of(0, 1, 7, 15, 16, 17, 32, 33, 63, 64, tokens - 1));
    for (int t = 0; t < tokens; t++) {
      if (resets.at(0, t)) {
        splits.addAll(List.of(Math.max(0, t - 1), t, t + 1));
      }
    }
    splits.removeIf(split -> split >= tokens);
    return splits;
  }

  private static BlockInput part(BlockInput input, int from, int to) {
    BlockInput part = BlockInput.of(Tensors.tokens(input.x(), from, to));
    if (input.keyValues().isPresent()) {
      part = part.withKeyValues(Tensors.tokens(input.keyValues().get(), from, to));
    }
    if (input.decay().orElse(null) instanceof LogDecay.PerToken g) {
      part = part.withDecay(LogDecay.perToken(Tensors.tokens(g.values(), from, to)));
    }
    return part.withResets(input.resets().tokens(from, to));
  }

  private static RetentionParameters typed(RetentionParameters p, DataType type) {
    return new RetentionParameters(
        p.query().castTo(type),
        p.key().castTo(type),
        p.value().castTo(type),
        p.gate().map(g -> g.castTo(type)),
        p.output().castTo(type),
        p.vectors());
  }
}
