package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Float16;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.forms.Npy;

/** Converting: what is kept, what is checked before anything is written, and how it rounds. */
class ConvertTest {
  private static final String NORM = "model.norm.weight";

  @TempDir private Path folder;

  private Path from;
  private Path to;

  @BeforeEach
  void copyGolden() throws IOException {
    from = Files.createDirectory(folder.resolve("from"));
    to = folder.resolve("to");
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(Npy.path("/golden/model/fla-f32/" + name), from.resolve(name));
    }
  }

  private void convert(DType dtype, long shardBytes) {
    WriteOptions options = WriteOptions.DEFAULT.withShardBytes(shardBytes);
    CheckpointWriter.convert(
        Checkpoint.open(from), to, dtype == null ? options : options.withDType(dtype));
  }

  /** Writes the tensors anew, each as it is, changed, or not at all. */
  private void rewrite(
      BiFunction<String, OutTensor, OutTensor> change, Map<String, String> metadata)
      throws IOException {
    List<OutTensor> tensors = new ArrayList<>();
    try (CheckpointFiles files = CheckpointFiles.open(from)) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        double[] values = new double[(int) info.elements()];
        files.read(name, 0, values.length, values);
        OutTensor changed = change.apply(name, tensor(name, info.dtype(), info.shape(), values));
        if (changed != null) {
          tensors.add(changed);
        }
      }
    }
    SafetensorsWriter.writeFile(from.resolve("model.safetensors"), tensors, metadata);
  }

  private static OutTensor tensor(String name, DType dtype, List<Long> shape, double... values) {
    return OutTensor.of(
        name,
        dtype,
        shape,
        (row, into) -> System.arraycopy(values, (int) row * into.length, into, 0, into.length));
  }

  private void setConfig(String key, String value) throws IOException {
    Path file = from.resolve("config.json");
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    json.set(key, mapper.readTree(value));
    Files.writeString(file, json.toString());
  }

  private void refuses(DType dtype, String... messages) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> convert(dtype, 5_000_000_000L))
        .withMessageContainingAll(messages);
    if (Files.exists(to)) {
      assertThat(to).isEmptyDirectory();
    }
  }

  @Test
  void namesWhatIsMissing() throws IOException {
    rewrite((name, tensor) -> name.equals(NORM) ? null : tensor, Map.of());
    refuses(null, "tensor " + NORM + " of shape [64]", "got none");
    assertThat(to).doesNotExist();
  }

  @Test
  void namesWhatIsMisshapen() throws IOException {
    setConfig("vocab_size", "96");
    refuses(DType.BF16, "model.embeddings.weight of shape [96, 64]", "got F32 of shape [97, 64]");
    assertThat(to).doesNotExist();
  }

  @Test
  void namesWhatIsExtra() throws IOException {
    setConfig("num_hidden_layers", "1");
    refuses(null, "got 11 others: model.layers.1.");
    assertThat(to).doesNotExist();
  }

  /** Nothing is packed, and so nothing is reported, before all names and shapes are right. */
  @Test
  void loadingFindsExtrasBeforeItPacks() throws IOException {
    setConfig("num_hidden_layers", "1");
    List<String> loaded = new ArrayList<>();
    LoadOptions options = LoadOptions.DEFAULT.withProgress((name, bytes) -> loaded.add(name));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(
            () -> Checkpoint.open(from).load(org.retention4j.forms.Engines.plain(), options))
        .withMessageContaining("got 11 others");
    assertThat(loaded).isEmpty();
  }

  /** The old weights once more, as PyTorch or others keep them, would stand beside new ones. */
  @Test
  void takesFilesAlongButNotTheOldWeights() throws IOException {
    List<String> taken =
        List.of("LICENSE", "tokenizer.json", "vocab.bin", "notes-pytorch_model.bin");
    List<String> left =
        List.of(
            ".gitattributes",
            "adapter.safetensors",
            "flax_model.msgpack",
            "model-q4.gguf",
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "tf_model.h5");
    for (String name : taken) {
      Files.writeString(from.resolve(name), name);
    }
    for (String name : left) {
      Files.writeString(from.resolve(name), name);
    }
    assertThat(CheckpointWriter.leftOut(Checkpoint.open(from)))
        .map(file -> file.getFileName().toString())
        .isEqualTo(left);
    convert(DType.BF16, 5_000_000_000L);
    for (String name : taken) {
      assertThat(to.resolve(name)).hasContent(name);
    }
    assertThat(to.toFile().list())
        .containsAll(taken)
        .contains("config.json", "model.safetensors")
        .doesNotContainAnyElementsOf(left);
  }

  private static Map<String, String> metadata(Path file) {
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      return opened.metadata();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {5_000_000_000L, 50_000L})
  void keepsMetadata(long shardBytes) throws IOException {
    Map<String, String> metadata = Map.of("format", "np", "origin", "somewhere");
    rewrite((name, tensor) -> tensor, metadata);
    convert(DType.BF16, shardBytes);
    try (var files = Files.list(to)) {
      List<Path> written = files.filter(file -> file.toString().endsWith(".safetensors")).toList();
      assertThat(written).hasSizeGreaterThan(shardBytes < 1_000_000 ? 1 : 0);
      assertThat(written).allSatisfy(file -> assertThat(metadata(file)).isEqualTo(metadata));
    }
  }

  @Test
  void addsTheFormatWhereNothingStands() throws IOException {
    rewrite((name, tensor) -> tensor, Map.of());
    convert(null, 5_000_000_000L);
    assertThat(metadata(to.resolve("model.safetensors"))).isEqualTo(Map.of("format", "pt"));
  }

  /** Of torch_dtype and dtype the one that is there, or both, or the older where none is. */
  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void updatesTheTypeInTheConfiguration(boolean older, boolean newer) throws IOException {
    Path file = from.resolve("config.json");
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    json.remove("torch_dtype");
    if (older) {
      json.put("torch_dtype", "float32");
    }
    if (newer) {
      json.put("dtype", "float32");
    }
    Files.writeString(file, json.toString());
    convert(DType.F16, 5_000_000_000L);
    JsonNode written = mapper.readTree(to.resolve("config.json").toFile());
    assertThat(written.path("torch_dtype").textValue())
        .isEqualTo(older || !newer ? "float16" : null);
    assertThat(written.path("dtype").textValue()).isEqualTo(newer ? "float16" : null);
  }

  private double[] converted(DType source, DType target, double... values) throws IOException {
    double[] norm = java.util.Arrays.copyOf(values, 64);
    rewrite(
        (name, tensor) -> name.equals(NORM) ? tensor(NORM, source, List.of(64L), norm) : tensor,
        Map.of());
    convert(target, 5_000_000_000L);
    try (CheckpointFiles files = CheckpointFiles.open(to)) {
      double[] read = new double[64];
      files.read(NORM, 0, 64, read);
      return java.util.Arrays.copyOf(read, values.length);
    }
  }

  /** Just above a tie of the narrow type, but a tie when it is rounded to fp32 before. */
  @Test
  void roundsOnce() throws IOException {
    double tiny = 0x1p-40;
    assertThat(converted(DType.F64, DType.BF16, 1 + 0x1p-8 + tiny, 1 + 0x1p-8, -1 - 0x1p-8 - tiny))
        .containsExactly(1 + 0x1p-7, 1, -1 - 0x1p-7);
    org.assertj.core.util.Files.delete(to.toFile());
    assertThat(
            converted(
                DType.F64, DType.F16, 1 + 0x1p-11 + tiny, 1 + 0x3p-11 - tiny, 0x1p-25 + 0x1p-70))
        .containsExactly(1 + 0x1p-10, 1 + 0x1p-10, 0x1p-24);
  }

  /** Against the nearest of all numbers of the type, found by exact decimal differences. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void roundsToTheNearest(DType dtype) throws IOException {
    SplittableRandom random = new SplittableRandom(9);
    double[] values = new double[64];
    for (int i = 0; i < values.length; i++) {
      int exponent = random.nextInt(dtype == DType.F16 ? -26 : -140, 16);
      double mid = 1 + (2 * random.nextInt(0, 256) + 1) * (dtype == DType.F16 ? 0x1p-11 : 0x1p-8);
      double off = new double[] {0, 0x1p-35, -0x1p-35, 0x1p-50}[i % 4];
      values[i] = (i % 2 == 0 ? 1 : -1) * Math.scalb(mid + off, exponent);
    }
    double[] rounded = converted(DType.F64, dtype, values);
    for (int i = 0; i < values.length; i++) {
      assertThat(rounded[i]).as("%a", values[i]).isEqualTo(nearest(values[i], dtype));
    }
  }

  private static double nearest(double x, DType dtype) {
    double best = Double.NaN;
    int bestBits = 0;
    BigDecimal closest = null;
    for (int bits = 0; bits < 1 << 16; bits++) {
      float y =
          dtype == DType.F16 ? Float16.toFloat((short) bits) : Float.intBitsToFloat(bits << 16);
      if (!Float.isFinite(y) || Math.signum(y) * Math.signum(x) < 0) {
        continue;
      }
      BigDecimal distance = new BigDecimal(x).subtract(new BigDecimal(y)).abs();
      int order = closest == null ? -1 : distance.compareTo(closest);
      if (order < 0 || (order == 0 && (bestBits & 1) == 1 && (bits & 1) == 0)) {
        closest = distance;
        best = y;
        bestBits = bits;
      }
    }
    return best == 0 ? Math.copySign(0, x) : best;
  }

  @ParameterizedTest
  @CsvSource({
    "F32, F16, 65519.99, 65520, 1e6",
    "F64, F16, 65519.99, 65520, 1e300",
    "F64, F32, 3.4028235e38, 3.5e38, 1e39",
    "F32, BF16, 3.389e38, 3.397e38, 3.4e38",
    "F64, BF16, 3.389e38, 3.397e38, 1e300"
  })
  void refusesWhatBecomesInfinite(
      DType source, DType target, double fits, double small, double large) throws IOException {
    double largest = source == DType.F32 ? (float) large : large;
    double[] norm = new double[64];
    norm[3] = small;
    norm[7] = -large;
    norm[11] = fits;
    norm[12] = Double.NaN;
    norm[13] = Double.POSITIVE_INFINITY;
    rewrite(
        (name, tensor) -> name.equals(NORM) ? tensor(NORM, source, List.of(64L), norm) : tensor,
        Map.of());
    refuses(target, NORM, target.name(), "got 2 ", "up to " + -largest);
    assertThat(from.resolve("model.safetensors")).exists();
  }

  @Test
  void whatWasNotFiniteStays() throws IOException {
    assertThat(
            converted(
                DType.F32,
                DType.F16,
                Double.NaN,
                Double.POSITIVE_INFINITY,
                Double.NEGATIVE_INFINITY,
                65504,
                -0.0))
        .containsExactly(
            Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 65504, -0.0);
  }

  @Test
  void optionsAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> WriteOptions.DEFAULT.withShardBytes(0))
        .withMessageContaining("got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> WriteOptions.DEFAULT.withDType(DType.I64))
        .withMessageContaining("I64");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                CheckpointWriter.writeRandom(
                    Checkpoint.open(from).config(), to, 1, WriteOptions.DEFAULT))
        .withMessageContaining("type");
    assertThat(to).doesNotExist();
  }
}
