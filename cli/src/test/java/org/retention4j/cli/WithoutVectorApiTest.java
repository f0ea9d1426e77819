package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every type of weights in a virtual machine that does not have the module. */
class WithoutVectorApiTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"file", "fp32", "bf16", "int8"})
  void generates(String weights) throws Exception {
    Path errors = folder.resolve("errors");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "generate",
                "--model",
                golden("fla-bf16").toString(),
                "--prompt",
                "ABCDEFGH",
                "--max-tokens",
                "3",
                "--weights",
                weights)
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(errors.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
  }
}
