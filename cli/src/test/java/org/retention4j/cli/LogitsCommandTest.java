package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.GOLDEN;
import static org.retention4j.cli.Commands.error;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;
import static org.retention4j.cli.Commands.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.engine.Engine;

/** Logits through the command: the golden ones, and nothing at all for bad input. */
class LogitsCommandTest {
  @TempDir private Path folder;

  private Path out;

  @BeforeEach
  void placeOut() {
    out = folder.resolve("logits.npy");
  }

  private static NpyFile expected(String model) {
    boolean torchscale = model.startsWith("torchscale");
    String name = torchscale ? "logits_recurrent.npy" : "logits.npy";
    return NpyFile.read(GOLDEN.resolve(model).resolve(name));
  }

  private NpyFile logits(String model, String options) {
    String ids = golden(model) + "/input_ids.npy";
    String line = "logits --force --model " + golden(model) + " --ids " + ids;
    ok(line + " --out " + out + " " + options);
    return NpyFile.read(out);
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (String model : List.of("fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32")) {
      for (String form : List.of("parallel", "recurrent", "chunkwise")) {
        cases.add(Arguments.of(model, form, "fp32", model.startsWith("fla") ? 5e-6 : 2e-6));
        cases.add(Arguments.of(model, form, "float64", 1e-12));
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void logitsAreTheGoldenOnes(String model, String form, String compute, double bound)
      throws IOException {
    NpyFile expected = expected(model);
    NpyFile actual = logits(model, "--form " + form + " --compute " + compute);
    assertThat(error(actual, expected)).isLessThan(bound);
    int vocabulary = (int) expected.shape()[2];
    for (int i = 0; i < expected.floats().length; i += vocabulary) {
      double ofToken = error(actual, expected, i, vocabulary);
      assertThat(ofToken).as("token %s", i / vocabulary).isLessThan(4 * bound);
    }
    assertThat(Files.size(out) / expected.floats().length)
        .as("bytes per element")
        .isEqualTo(compute.equals("fp32") ? 4 : 8);
  }

  /** What the forms round differently is rounding and no more: the option does reach the model. */
  @Test
  void formsAreNotTheSameComputation() {
    double[] parallel = logits("fla-f32", "--form parallel").floats();
    double[] recurrent = logits("fla-f32", "--form recurrent").floats();
    assertThat(parallel).isNotEqualTo(recurrent);
    assertThat(logits("fla-f32", "--chunk 3").floats())
        .isNotEqualTo(logits("fla-f32", "--chunk 11").floats());
  }

  @Test
  void takesAChunkAndOtherWeights() {
    NpyFile expected = expected("fla-f32");
    assertThat(error(logits("fla-f32", "--chunk 5"), expected)).isLessThan(5e-6);
    assertThat(error(logits("fla-f32", "--weights fp32"), expected)).isLessThan(5e-6);
    assertThat(error(logits("fla-f32", "--weights int8"), expected)).isBetween(1e-3, 6e-2);
    assertThat(error(logits("fla-f32", "--weights bf16"), expected)).isBetween(1e-4, 2e-2);
    boolean narrow;
    try (Engine engine = Engine.float32()) {
      narrow = engine.multipliesBfloat16();
    }
    assertThat(error(logits("fla-bf16", "--bf16-products"), expected("fla-bf16")))
        .isBetween(narrow ? 1e-4 : 0, narrow ? 2e-2 : 5e-6);
    // fp32 weights of bf16 numbers are those numbers.
    assertThat(error(logits("fla-bf16", "--weights fp32"), expected("fla-bf16"))).isLessThan(5e-6);
  }

  /** 2^32 would be 0 if it were cut off. */
  @ParameterizedTest
  @ValueSource(longs = {97, -1, 1L << 32, Integer.MAX_VALUE, Long.MIN_VALUE})
  void refusesTokensOutsideTheVocabulary(long token) throws IOException {
    Path ids = Commands.ids(folder.resolve("ids.npy"), 3, 96, token, 5);
    refuses("logits --model " + golden("fla-f32") + " --ids " + ids + " --out " + out, "0..96");
    assertThat(folder).isDirectoryNotContaining(file -> !file.equals(ids));
    Commands.ids(ids, 3, 96, 5);
    ok("logits --model " + golden("fla-f32") + " --ids " + ids + " --out " + out);
    assertThat(NpyFile.read(out).shape()).containsExactly(1, 3, 97);
  }

  @Test
  void refusesPlacesThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "as it was");
    String command =
        "logits --model "
            + golden("fla-f32")
            + (" --ids " + golden("fla-f32") + "/input_ids.npy --out ");
    for (Path place : List.of(folder, file.resolve("x.npy"), folder.resolve("none/x.npy"))) {
      refuses(command + place, place.toString());
      assertThat(folder).isDirectoryNotContaining(path -> !path.equals(file));
    }
    assertThat(file).hasContent("as it was");
  }

  /** Not by starting them all. */
  @Test
  void refusesMoreThreadsThanAnyMachineHas() {
    String model = " --model " + golden("fla-f32");
    String ids = golden("fla-f32") + "/input_ids.npy --out " + out;
    refuses(
        "logits --threads 100000" + model + " --ids " + ids, "--threads in 1..1024, got 100000");
    refuses("generate --threads 1025 --prompt !" + model, "--threads in 1..1024, got 1025");
    assertThat(folder).isEmptyDirectory();
  }

  /** Every command that reads weights, on a file that is cut off. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "logits --model M --ids G/fla-f32/input_ids.npy --out F/y.npy",
        "generate --model M --prompt !",
        "perplexity --model M F/text",
        "verify --model M",
        "convert --from M --to F/to",
        "info M"
      })
  void refusesDamagedWeights(String line) throws IOException {
    Path model = Commands.copyOf("fla-f32", folder.resolve("model"));
    Path text = Files.writeString(folder.resolve("text"), "!!!");
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    String command =
        line.replace("G/", GOLDEN + "/").replace("M", model.toString()).replace("F/", folder + "/");
    for (int length : new int[] {bytes.length - 1, bytes.length / 2, 100, 0}) {
      Files.write(weights, Arrays.copyOf(bytes, length));
      refuses(command, "model.safetensors");
      Commands.Result debug = run(command + " --debug");
      assertThat(debug.code()).isEqualTo(Main.BAD_INPUT);
      assertThat(debug.errors()).contains("\tat org.retention4j.", "CheckpointException");
      assertThat(folder)
          .isDirectoryNotContaining(
              path -> !path.equals(model) && !path.equals(text) && !isEmpty(path));
    }
  }

  private static boolean isEmpty(Path path) {
    String[] files = path.toFile().list();
    return files != null && files.length == 0;
  }

  /** NaN weights are reported on request, and give NaN without. */
  @Test
  void reportsWeightsThatAreNotFinite() throws IOException {
    Path model = Commands.copyOf("fla-f32", folder.resolve("model"));
    Commands.spoil(model, "model.layers.0.attn.v_proj.weight");
    String command =
        "logits --model " + model + " --ids " + golden("fla-f32") + "/input_ids.npy --out " + out;
    refuses(command + " --check", "NaN in model.layers.0.attn.v_proj.weight[0,0]");
    assertThat(out).doesNotExist();
    ok(command);
    assertThat(NpyFile.read(out).floats()).contains(Double.NaN);
    ok(command.replace(model.toString(), golden("fla-f32")) + " --check --force");
    assertThat(error(NpyFile.read(out), expected("fla-f32"))).isLessThan(5e-6);
  }
}
