package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.Resets;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.stack.ModelPass;

/** Losses, gradients and weights after steps against numbers that other software computed. */
class GoldenTrainingTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/training");

  /** Bounds of shared numbers: retention.md, section 3. */
  private static final double GRADIENTS_64 = 1e-11;

  private static final double GRADIENTS_32 = 5e-5;
  private static final double WEIGHTS_64 = 1e-10;

  /** Where operands of products are rounded to 8 bits; 0.9e-2 was seen. */
  private static final double GRADIENTS_BF16 = 3e-2;

  /**
   * The same in the hybrid, where a head of the last layer has outputs so small that the gradient
   * of its norm is a hundred times those of other layers; 0.24 was seen.
   */
  private static final double GRADIENTS_BF16_SMALL_HEADS = 0.5;

  private static final List<RetentionForm> FORMS =
      List.of(new ChunkwiseForm(), new ChunkwiseForm(7), new ParallelForm(), new RecurrentForm());

  /** Numbers of a case. */
  private record Golden(Path folder, int[][] tokens, int[][] labels, JsonNode training) {
    static Golden read(String name) throws IOException {
      Path folder = GOLDEN.resolve(name);
      return new Golden(
          folder,
          rows(folder.resolve("input_ids.npy")),
          rows(folder.resolve("labels.npy")),
          new ObjectMapper().readTree(folder.resolve("training.json").toFile()));
    }

    private static int[][] rows(Path file) {
      NpyFile npy = NpyFile.read(file);
      int[][] rows = new int[(int) npy.shape()[0]][(int) npy.shape()[1]];
      for (int i = 0; i < npy.integers().length; i++) {
        int id = (int) npy.integers()[i];
        rows[i / rows[0].length][i % rows[0].length] = id == -100 ? Batch.UNLABELLED : id;
      }
      return rows;
    }

    int labelled() {
      return (int) Arrays.stream(labels).flatMapToInt(Arrays::stream).filter(id -> id >= 0).count();
    }

    LanguageModel load(Engine engine) {
      return Checkpoint.open(folder).load(engine, LoadOptions.DEFAULT);
    }

    double[] losses() {
      double[] all = new double[training.get("losses").size()];
      Arrays.setAll(all, i -> training.get("losses").get(i).asDouble());
      return all;
    }

    double number(String name) {
      return training.get(name).asDouble();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "fla,FLOAT64,false",
    "fla,FLOAT32,false",
    "fla-hybrid-tied,FLOAT64,false",
    "fla-hybrid-tied,FLOAT32,false",
    "fla,FLOAT64,true",
    "fla-hybrid-tied,FLOAT64,true"
  })
  void lossAndGradients(String name, ElementType type, boolean checkpointing) throws IOException {
    double bound = type == ElementType.FLOAT64 ? GRADIENTS_64 : GRADIENTS_32;
    check(Golden.read(name), type, checkpointing, false, bound);
  }

  @ParameterizedTest
  @CsvSource({"fla," + GRADIENTS_BF16, "fla-hybrid-tied," + GRADIENTS_BF16_SMALL_HEADS})
  void lossAndGradientsWithProductsOfBf16(String name, double bound) throws IOException {
    check(Golden.read(name), ElementType.FLOAT32, false, true, bound);
  }

  private void check(
      Golden golden, ElementType type, boolean checkpointing, boolean bf16, double bound)
      throws IOException {
    for (RetentionForm form : FORMS) {
      try (Engine engine = Engine.create(type, 2, ComputeRoute.PLAIN);
          Buffers owner = engine.newBuffers();
          LanguageModel model = golden.load(engine)) {
        Parameters parameters = ModelPass.parameters(engine, model.config(), owner);
        ModelWeights.copy(model, parameters);
        int[][] tokens = golden.tokens();
        var shape = new ModelPass.Shape(tokens.length, tokens[0].length, 1, checkpointing, bf16);
        try (ModelPass pass = new ModelPass(engine, model.config(), form, shape, parameters)) {
          boolean[] fresh = new boolean[tokens.length];
          Arrays.fill(fresh, true);
          Segment segment = new Segment(0, Resets.none(), fresh, false);
          double loss = pass.run(tokens, golden.labels(), segment, 1.0 / golden.labelled());
          assertThat(loss / golden.labelled())
              .as("loss, %s", form)
              .isCloseTo(golden.losses()[0], within(bound * golden.losses()[0]));
        }
        compare(golden, "gradients.safetensors", parameters.list(), this::gradient, bound, form);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"fla,FLOAT64", "fla-hybrid-tied,FLOAT64", "fla,FLOAT32"})
  void weightsAfterSteps(String name, ElementType type) throws IOException {
    Golden golden = Golden.read(name);
    TrainerOptions options =
        TrainerOptions.DEFAULT
            .withRate(golden.number("lr"), Schedule.constant())
            .withOptimizer(
                OptimizerOptions.DEFAULT
                    .withAdam(golden.number("beta1"), golden.number("beta2"), golden.number("eps"))
                    .withWeightDecay(golden.number("weight_decay"), true))
            .withClipNorm(golden.number("clip_norm"));
    int[][] tokens = golden.tokens();
    double weights = type == ElementType.FLOAT64 ? WEIGHTS_64 : GRADIENTS_32;
    double close = type == ElementType.FLOAT64 ? GRADIENTS_64 : GRADIENTS_32;
    try (Engine engine = Engine.create(type, 2, ComputeRoute.PLAIN);
        LanguageModel model = golden.load(engine);
        Trainer trainer = Trainer.of(engine, model, tokens.length, tokens[0].length, options)) {
      Batch batch = Batch.of(tokens, golden.labels());
      for (int i = 0; i < golden.number("steps"); i++) {
        StepResult result = trainer.step(List.of(batch));
        double norm = golden.training().get("gradient_norms").get(i).asDouble();
        assertThat(result.loss())
            .isCloseTo(golden.losses()[i], within(10 * close * golden.losses()[i]));
        assertThat(result.gradientNorm()).isCloseTo(norm, within(10 * close * norm));
      }
      double last = golden.losses()[golden.losses().length - 1];
      assertThat(trainer.evaluate(batch)).isCloseTo(last, within(10 * close * last));
      List<Parameter> trained =
          trainer.weights().stream().map(weight -> (Parameter) weight).toList();
      compare(golden, "after.safetensors", trained, this::value, weights, options.form());
    }
  }

  private double gradient(Parameter parameter, int index) {
    if (!parameter.isMatrix()) {
      return parameter.vectorGradient()[index];
    }
    int columns = parameter.columns();
    return parameter
        .gradient()
        .asRows(parameter.rows(), columns)
        .get(0, index / columns, 0, index % columns);
  }

  private double value(Parameter parameter, int index) {
    double[] row = new double[parameter.columns()];
    parameter.read(index / row.length, row);
    return row[index % row.length];
  }

  /** Each tensor by the norm of what differs over its own. */
  private static void compare(
      Golden golden,
      String file,
      List<Parameter> parameters,
      ToDoubleBiFunction<Parameter, Integer> got,
      double bound,
      RetentionForm form) {
    try (SafetensorsFile expected = SafetensorsFile.open(golden.folder().resolve(file))) {
      assertThat(expected.tensors()).hasSize(parameters.size());
      for (Parameter parameter : parameters) {
        TensorInfo tensor = expected.tensors().get(FlaNames.of(parameter.name()));
        assertThat(tensor).as(parameter.name()).isNotNull();
        double[] numbers = new double[parameter.rows() * parameter.columns()];
        expected.read(tensor, 0, numbers.length, numbers);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < numbers.length; i++) {
          double d = got.applyAsDouble(parameter, i) - numbers[i];
          difference += d * d;
          size += numbers[i] * numbers[i];
        }
        assertThat(Math.sqrt(difference / size))
            .as("%s of %s, %s", file, parameter.name(), form)
            .isLessThan(bound);
      }
    }
  }
}
