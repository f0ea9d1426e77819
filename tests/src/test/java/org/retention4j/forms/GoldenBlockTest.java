package org.retention4j.forms;

import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.core.BlockInput;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.engine.ops.WeightType;
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
      int[][] marks = Npy.readIds("/golden/block/" + name + "/resets.npy");
      boolean[][] mask = new boolean[marks.length][marks[0].length];
      for (int b = 0; b < marks.length; b++) {
        for (int t = 0; t < marks[b].length; t++) {
          mask[b][t] = marks[b][t] != 0;
        }
      }
      return BlockInput.of(read("x").castTo(type)).withResets(Resets.mask(mask));
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

  /** Grouped heads, in the conventions of fla's checkpoints. */
  private static Golden golden(String name, int width, int heads, long startPosition) {
    RetentionConfig config =
        RetentionConfig.builder(width, heads).kvHeads(heads / 2).keyWidth(8).valueWidth(16).build();
    try (SafetensorsFile file =
        SafetensorsFile.open(Npy.path("/golden/block/" + name + "/weights.safetensors"))) {
      RetentionParameters parameters =
          new RetentionParameters(
              tensor(file, "q.weight"),
              tensor(file, "k.weight"),
              tensor(file, "v.weight"),
              Optional.of(tensor(file, "g.weight")),
              tensor(file, "o.weight"),
              Optional.of(tensor(file, "norm.weight").toDoubleVector()));
      return new Golden(name, config, startPosition, parameters);
    }
  }

  private static INDArray tensor(SafetensorsFile file, String name) {
    TensorInfo info = file.tensors().get(name);
    long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
    double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    file.read(info, 0, values.length, values);
    return Tensors.of(values, DataType.DOUBLE, shape);
  }

  private static List<Golden> cases() {
    return List.of(golden("packed", 32, 4, 0), golden("continued", 16, 2, 1000));
  }

  static Stream<Arguments> casesAndVariants() {
    return cases().stream()
        .flatMap(golden -> Variant.all().stream().map(v -> Arguments.of(golden, v)));
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
      for (int split = 0; split < tokens; split++) {
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

  private static BlockInput part(BlockInput input, int from, int to) {
    return BlockInput.of(Tensors.tokens(input.x(), from, to))
        .withResets(input.resets().tokens(from, to));
  }

  private static RetentionParameters typed(RetentionParameters p, DataType type) {
    return new RetentionParameters(
        p.query().castTo(type),
        p.key().castTo(type),
        p.value().castTo(type),
        p.gate().map(g -> g.castTo(type)),
        p.output().castTo(type),
        p.headNorm());
  }
}
