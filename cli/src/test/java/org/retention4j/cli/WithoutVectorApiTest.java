package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.GOLDEN;
import static org.retention4j.cli.Commands.golden;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.NpyFile;

/** Every type of weights in a virtual machine that does not have the module. */
class WithoutVectorApiTest {
  @TempDir private Path folder;

  private static Processes.Outcome run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Processes.JAVA.toString(), "-Xmx1g"));
    command.addAll(Processes.QUICK);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Processes.Outcome outcome = Processes.run(Map.of(), command);
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    return outcome;
  }

  /** The bounds are those of {@link LogitsCommandTest}, where the module is there. */
  @ParameterizedTest
  @CsvSource({"file, 5e-6", "fp32, 5e-6", "bf16, 5e-6", "int8, 6e-2"})
  void logitsAreTheGoldenOnes(String weights, double bound) throws Exception {
    String model = golden("fla-bf16");
    Path out = folder.resolve("logits.npy");
    run(
        "logits",
        "--model",
        model,
        "--ids",
        model + "/input_ids.npy",
        "--weights",
        weights,
        "--out",
        out.toString());
    NpyFile expected = NpyFile.read(GOLDEN.resolve("fla-bf16").resolve("logits.npy"));
    assertThat(Commands.error(NpyFile.read(out), expected)).isLessThan(bound);
  }

  /** A text that is known without the model being run. */
  @ParameterizedTest
  @ValueSource(strings = {"file", "fp32", "bf16", "int8"})
  void generates(String weights) throws Exception {
    Path model = new CountingModel().write(folder.resolve("model"), 'm', 261);
    Processes.Outcome outcome =
        run(
            "generate",
            "--model",
            model.toString(),
            "--prompt",
            "ABCDEFGH",
            "--max-tokens",
            "5",
            "--weights",
            weights);
    assertThat(outcome.out()).isEqualTo("IJKLM" + System.lineSeparator());
  }
}
