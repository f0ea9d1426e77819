package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.forms.Npy;

/** What people really have in the place of weights is named, with what they can do about it. */
class NotWeightsTest {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir private Path folder;

  private Path golden;

  @BeforeEach
  void copyConfiguration() throws IOException {
    golden = Npy.path("/golden/model/fla-f32");
    Files.copy(golden.resolve("config.json"), folder.resolve("config.json"));
  }

  private String refused() {
    CheckpointException refused =
        catchThrowableOfType(
            CheckpointException.class, () -> Checkpoint.open(folder).parts().close());
    assertThat(refused).isNotNull();
    assertThat(refused.getMessage())
        .hasLineCount(1)
        .hasSizeLessThan(400)
        .contains(folder.toString());
    return refused.getMessage();
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] zipped() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("archive/data.pkl"));
    }
    return bytes.toByteArray();
  }

  private static byte[] gzipped() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(1);
    }
    return bytes.toByteArray();
  }

  /** First bytes as those who define the formats write them. */
  static Stream<Arguments> contents() throws IOException {
    String pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "0".repeat(64)
            + "\nsize 463736\n";
    return Stream.of(
        Arguments.of("Git LFS pointer, which stands for 463736 bytes: fetch", latin(pointer)),
        Arguments.of("git lfs pull", latin(pointer)),
        Arguments.of(
            "web page (\"Sign in\")",
            latin("<!doctype html><html><title> Sign in\n</title></html>")),
        Arguments.of("web page", latin("\n  <HTML lang=en>")),
        Arguments.of("web page", latin("\u00ef\u00bb\u00bf<?xml version=\"1.0\"?><Error/>")),
        Arguments.of("text that begins with \"Entry not found\"", latin("Entry not found")),
        Arguments.of("text that begins with \"Access", latin("Access to model x is restricted.\n")),
        Arguments.of("text that begins with \"{\"error\"", latin("{\"error\":\"Invalid token\"}")),
        Arguments.of(
            "text that begins with \"Bad\\u0009Gateway\"", latin("Bad\tGateway\rTry later\n")),
        Arguments.of("an empty file", new byte[0]),
        Arguments.of("zeros", new byte[4096]),
        Arguments.of("zeros", new byte[16]),
        Arguments.of("zip file, as PyTorch", zipped()),
        Arguments.of("a compressed file; unpack it", gzipped()),
        Arguments.of(
            "a compressed file; unpack it", HexFormat.of().parseHex("fd377a585a000004e6d6b446")),
        Arguments.of("a compressed file; unpack it", HexFormat.of().parseHex("28b52ffd2001090000")),
        Arguments.of("a compressed file; unpack it", latin("BZh91AY&SY")),
        // pickle protocol 2, as torch.save wrote before 1.6: the magic number
        // 0x1950a86a20f9469cfc6c.
        Arguments.of(
            "pickle, as older PyTorch", HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa8")),
        Arguments.of("HDF5", HexFormat.of().parseHex("894844460d0a1a0a0000000000080800")),
        Arguments.of("GGUF", HexFormat.of().parseHex("47475546030000002300000000000000")),
        // {"model": {"embeddings": ...
        Arguments.of(
            "MessagePack", HexFormat.of().parseHex("82a56d6f64656c84aa656d62656464696e6773")),
        // The piece <unk> as SentencePiece writes it first.
        Arguments.of(
            "a model of SentencePiece",
            HexFormat.of().parseHex("0a0e0a053c756e6b3e15000000001802")),
        Arguments.of("an array of NumPy", HexFormat.of().parseHex("934e554d505901007600")));
  }

  @ParameterizedTest
  @MethodSource("contents")
  void contentsAreNamed(String message, byte[] content) throws IOException {
    Files.write(folder.resolve(SINGLE), content);
    assertThat(refused()).contains(message, SINGLE);
    // As a shard they are named as well.
    Files.move(folder.resolve(SINGLE), folder.resolve("shard.safetensors"));
    Files.writeString(folder.resolve(INDEX), "{\"weight_map\":{\"a\":\"shard.safetensors\"}}");
    assertThat(refused()).contains(message, "shard.safetensors");
  }

  @ParameterizedTest
  @CsvSource({"1", "1000", "460000"})
  void aPartOfADownloadSaysWhatIsMissing(int missing) throws IOException {
    byte[] whole = Files.readAllBytes(golden.resolve(SINGLE));
    byte[] part = java.util.Arrays.copyOf(whole, whole.length - missing);
    Files.write(folder.resolve(SINGLE), part);
    assertThat(refused()).contains("truncated", "fetch it again");
    if (missing < 10_000) {
      assertThat(refused()).contains(missing + " bytes are missing");
    }
    Files.write(folder.resolve(SINGLE), java.util.Arrays.copyOf(whole, whole.length + missing));
    assertThat(refused()).contains("too long by " + missing + " bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pytorch_model.bin | holds PyTorch's own format; save them as safetensors",
        "pytorch_model-00001-of-00002.bin | PyTorch",
        "consolidated.00.pth | PyTorch",
        "tf_model.h5 | TensorFlow",
        "model.pt | save_pretrained(DIR, safe_serialization=True)",
        "last.ckpt | safetensors.torch.save_file",
        "pytorch_model.bin.index.json | PyTorch",
        "flax_model.msgpack | Flax",
        "flax_model.msgpack | from_flax=True), then save_pretrained(DIR, safe_serialization=True)",
        "retnet.Q4_0.gguf | llama.cpp",
        "model.onnx | ONNX",
        "weights.safetensors | is not named so; rename it",
        "adapter_model.safetensors | changes the weights of another model",
        "model.safetensors.incomplete | is not all here",
        "model.safetensors.part | is not all here",
        "model.safetensors.zip | unpack it",
        "model-00001-of-00002.safetensors | got 1 of 2 shards, without the index",
        "README.md | got neither"
      })
  void otherFilesAreNamed(String file, String message) throws IOException {
    Files.createFile(folder.resolve(file));
    assertThat(refused()).contains(message);
    if (!file.startsWith("model-0") && !file.startsWith("README")) {
      assertThat(refused()).contains(file);
    }
  }

  @Test
  void whatIsInTheirPlaceIsNamed() throws IOException {
    Files.createDirectory(folder.resolve(SINGLE));
    assertThat(refused()).contains("a folder");
    Files.delete(folder.resolve(SINGLE));
    Files.createSymbolicLink(folder.resolve(SINGLE), Path.of("../blobs/0123"));
    assertThat(refused()).contains("a link to a file that is not there");
    Files.delete(folder.resolve(SINGLE));
    Files.createSymbolicLink(folder.resolve(INDEX), Path.of("../blobs/0123"));
    assertThat(refused()).contains("an index that is a link");
  }

  @Test
  void missingShardsAreNamed() throws IOException {
    Files.writeString(
        folder.resolve(INDEX),
        "{\"weight_map\":{\"a\":\"x-1.safetensors\",\"b\":\"x-2.safetensors\"}}");
    Files.copy(golden.resolve(SINGLE), folder.resolve("x-1.safetensors"));
    assertThat(refused()).contains("the 2 shards", "none of x-2.safetensors; fetch");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        " | an empty file",
        "{} | weight_map with tensors in",
        "{'weight_map':{}} | got {}",
        "{'weight_map':[]} | got []",
        "version https://git-lfs.github.com/spec/v1 | a Git LFS pointer",
        "<html> | a web page",
        "{'weight_map':{'a':'b' | an end that comes too early"
      })
  void anIndexThatIsNoneIsNamed(String index, String message) throws IOException {
    Files.writeString(folder.resolve(INDEX), index == null ? "" : index.replace('\'', '"'));
    assertThat(refused()).contains(message, INDEX);
  }
}
