package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.retention4j.checkpoint.format.SafetensorsBytes.entry;
import static org.retention4j.checkpoint.format.SafetensorsBytes.file;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.forms.Npy;

/** Hostile names and values: messages stay short, on one line, and do not steer terminals. */
class MessagesTest {
  @TempDir private Path folder;

  private SafetensorsFile open(byte[] content) throws IOException {
    return SafetensorsFile.open(Files.write(folder.resolve("x.safetensors"), content));
  }

  private String message(byte[] content) {
    return catchMessage(() -> open(content).close());
  }

  private static String catchMessage(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    Throwable thrown = org.assertj.core.api.Assertions.catchThrowable(call);
    assertThat(thrown).isInstanceOf(CheckpointException.class);
    assertThat(thrown.getMessage()).hasLineCount(1).doesNotContain("\u001b", "\r", "\u202e", "\0");
    return thrown.getMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"[3]", "[2.5]", "[4294967296,4294967296]", "3"})
  void longNamesAreCut(String shape) {
    String name = "n".repeat(2_000_000);
    String message = message(file("{" + entry(name, "F32", shape, 0, 8) + "}", new byte[8]));
    assertThat(message).hasSizeLessThan(600).contains("n".repeat(100) + "...");
    assertThat(message).doesNotContain("n".repeat(101));
  }

  @Test
  void otherLongTextsAreCut() {
    String text = "t".repeat(2_000_000);
    assertThat(message(file("{\"" + text + "\":1,\"" + text + "\":1}", new byte[0])))
        .hasSizeLessThan(2300);
    assertThat(message(file("{" + entry("a", text, "[2]", 0, 8) + "}", new byte[8])))
        .hasSizeLessThan(600);
    assertThat(message(file("{\"a\":{\"" + text + "\":1}}", new byte[8]))).hasSizeLessThan(600);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\n", "\\r", "\\u001b[2J", "\\u0000", "\\u2028", "\\u202e", "\\ud800"})
  void whatSteersTerminalsIsEscaped(String escaped) {
    String header = "{" + entry("a" + escaped + "b", "F32", "[3]", 0, 8) + "}";
    assertThat(message(file(header, new byte[8]))).containsPattern("a\\\\u[0-9a-f]{4}");
    String key = "{" + entry("a", "x" + escaped, "[2]", 0, 8) + "}";
    assertThat(message(file(key, new byte[8]))).containsPattern("x\\\\u[0-9a-f]{4}");
  }

  @Test
  void namesOfOtherScriptsStay() {
    String message =
        message(file("{" + entry("Gewicht-é-重み-😀", "F32", "[3]", 0, 8) + "}", new byte[8]));
    assertThat(message).contains("Gewicht-é-重み-😀");
  }

  @Test
  void valuesOfAConfigurationAreCutToo() throws IOException {
    String value = "v".repeat(100_000);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"model_type\":\"retnet\",\"hidden_size\":\"" + value + "\"}");
    assertThat(catchMessage(() -> Checkpoint.open(folder)))
        .contains("hidden_size")
        .hasSizeLessThan(600);
    Files.writeString(folder.resolve("config.json"), "{\"model_type\":\"\\n" + value + "\"}");
    assertThat(catchMessage(() -> Checkpoint.open(folder)))
        .contains("model_type")
        .hasSizeLessThan(600);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\\ud800b", "\\udfff", "a\\u0000b", "a\\nb", "%s"})
  void shardNamesThatAreNoFileNames(String shard) throws IOException {
    Files.copy(Npy.path("/golden/model/fla-f32/config.json"), folder.resolve("config.json"));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
    catchMessage(() -> Checkpoint.open(folder).parts().close());
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\t", " \n", "\n ", "\r\n", "\0", " \0"})
  void headersArePaddedWithSpacesOnly(String padding) throws IOException {
    String header = "{" + entry("a", "F32", "[2]", 0, 8) + "}";
    open(file(header + "     ", new byte[8])).close();
    message(file(header + padding, new byte[8]));
  }

  /** White space within the object is JSON's. */
  @Test
  void headersMayBeIndented() throws IOException {
    String header = "{\n\t" + entry("a", "F32", "[2]", 0, 8) + "\r\n}  ";
    open(file(header, new byte[8])).close();
  }

  @Test
  void bytesOutsideATensorAreRefused() throws IOException {
    byte[] data = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    String header =
        "{" + entry("a", "U8", "[8]", 0, 8) + "," + entry("b", "U8", "[8]", 8, 16) + "}";
    try (SafetensorsFile opened = open(file(header, data))) {
      byte[] into = new byte[8];
      TensorInfo a = opened.tensors().get("a");
      opened.readBytes(opened.tensors().get("b"), 2, into, 6);
      assertThat(new String(into, 0, 6, StandardCharsets.US_ASCII)).isEqualTo("abcdef");
      long[][] bad = {{0, 9}, {1, 8}, {-1, 2}, {8, 1}, {Long.MAX_VALUE, 1}, {0, -1}};
      for (long[] range : bad) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> opened.readBytes(a, range[0], new byte[20], (int) range[1]))
            .withMessageContaining("the 8 of a");
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> opened.readBytes(opened.tensors().get("b"), 1, into, 8))
          .withMessageContaining("the 8 of b");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> opened.readBytes(a, 0, new byte[4], 8))
          .withMessageContaining("at most 4 bytes");
    }
  }

  /** The class names of Java's exceptions tell users nothing, nor does a path that stands twice. */
  @Test
  void whyAFileCannotBeReadIsSaidInWords() {
    assertThat(Shown.reason(new NoSuchFileException("f")))
        .isEqualTo("there is no such file or folder");
    assertThat(Shown.reason(new AccessDeniedException("f"))).isEqualTo("permission denied");
    assertThat(Shown.reason(new FileAlreadyExistsException("f")))
        .isEqualTo("there is a file of that name");
    assertThat(Shown.reason(new FileSystemException("f", null, "No space left on device")))
        .isEqualTo("No space left on device");
    assertThat(Shown.reason(new IOException("Is a directory"))).isEqualTo("Is a directory");
    assertThat(Shown.reason(new EOFException())).isEqualTo("java.io.EOFException");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.readConfig(folder.resolve("x.json")))
        .withMessageEndingWith("x.json: there is no such file or folder");
  }

  /** The message that names what was expected, for a layer alone too. */
  @Test
  void aMissingOutputMatrixIsNamedWithItsShape() throws IOException {
    String name = "model.embeddings.weight";
    Files.write(
        folder.resolve("model.safetensors"),
        file("{" + entry(name, "F32", "[2,1]", 0, 8) + "}", new byte[8]));
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      WeightReader reader =
          new WeightReader(org.retention4j.forms.Engines.plain(), files, LoadOptions.DEFAULT);
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> reader.output("lm_head.weight", 2, 1))
          .withMessageContaining("lm_head.weight of shape [2, 1]");
    }
  }
}
