package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Output that nobody takes, and input that is no text. */
class LostOutputTest {
  @TempDir private Path folder;

  private final StringWriter errors = new StringWriter();
  private String model;

  private int run(OutputStream out, String... args) {
    errors.getBuffer().setLength(0);
    return Main.execute(
        args, new PrintStream(out, false, StandardCharsets.UTF_8), new PrintWriter(errors, true));
  }

  @BeforeEach
  void create() throws IOException {
    Path shape =
        Files.writeString(
            folder.resolve("shape.json"),
            "{\"model_type\":\"retnet\",\"hidden_size\":16,\"num_heads\":2,"
                + "\"num_hidden_layers\":1,\"vocab_size\":256}");
    model = folder.resolve("model").toString();
    assertThat(
            run(OutputStream.nullOutputStream(), "create", "--shape", "" + shape, "--out", model))
        .isZero();
  }

  private static OutputStream full() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        throw new IOException("no space left");
      }
    };
  }

  @Test
  void anOutputThatFailsIsReported() {
    assertThat(run(full(), "info", model)).isEqualTo(Main.BAD_INPUT);
    assertThat(errors.toString().strip()).contains("standard output").doesNotContain("\n");
    assertThat(run(full(), "generate", "--model", model, "--prompt", "a", "--max-tokens", "3"))
        .isEqualTo(Main.BAD_INPUT);
    assertThat(errors.toString().strip()).contains("standard output").doesNotContain("\n");
  }

  @Test
  void aPromptOnStandardInputIsUtf8() {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(new byte[] {'a', (byte) 0xff}));
    try {
      assertThat(
              run(OutputStream.nullOutputStream(), "generate", "--model", model, "--prompt", "-"))
          .isEqualTo(Main.BAD_INPUT);
    } finally {
      System.setIn(before);
    }
    assertThat(errors.toString()).contains("expected UTF-8 in standard input");
  }

  @Test
  void stopTokensAreOfTheVocabulary() {
    assertThat(
            run(
                OutputStream.nullOutputStream(),
                "generate",
                "--model",
                model,
                "--prompt",
                "a",
                "--stop-token",
                "256"))
        .isEqualTo(Main.BAD_INPUT);
    assertThat(errors.toString()).contains("--stop-token in 0..255", "got 256");
  }
}
