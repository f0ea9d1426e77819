package org.retention4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.WeightSpec;

/**
 * Writes checkpoints in fla's format: models made here, and random ones for trials and benchmarks.
 * The folder must not hold a checkpoint yet; a failure leaves no file behind.
 */
public final class CheckpointWriter {
  /** The most bytes of data in a file by default. */
  public static final long SHARD_BYTES = 5_000_000_000L;

  /** The standard deviation of random weights, initializer_range in the published checkpoints. */
  private static final double DEVIATION = 0.02;

  private CheckpointWriter() {}

  /**
   * Writes a model.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws IllegalArgumentException if fla's format cannot express the model, with the reason
   * @throws CheckpointException if it cannot be written
   */
  public static void write(LanguageModel model, Path folder, DType dtype) {
    DecoderConfig config = model.config();
    JsonNode json = FlaConfig.json(config, dtype);
    List<OutTensor> tensors = new ArrayList<>();
    tensors.add(
        OutTensor.of(
            "model.embeddings.weight",
            dtype,
            List.of((long) config.vocabulary(), (long) config.modelWidth()),
            (row, into) -> model.embedding().read((int) row, into)));
    for (int i = 0; i < config.layers().size(); i++) {
      add(tensors, "model.layers." + i + ".", model.layers().get(i), dtype);
    }
    tensors.add(OutTensor.of("model.norm.weight", dtype, model.head().norm()));
    if (!config.tiedOutput()) {
      tensors.add(OutTensor.of("lm_head.weight", dtype, model.head().output()));
    }
    write(folder, json, tensors, SHARD_BYTES, Map.of(), List.of(), (name, bytes) -> {});
  }

  private static void add(List<OutTensor> tensors, String prefix, DecoderLayer layer, DType dtype) {
    tensors.add(OutTensor.of(prefix + "attn_norm.weight", dtype, layer.mixerNorm()));
    MixerConfig mixer = layer.mixer().config();
    NamedWeights weights = layer.mixer().weights();
    for (WeightSpec weight : mixer.weights()) {
      String name = FlaFamily.tensor(prefix, mixer, weight, Family.Present.NOTHING);
      tensors.add(
          weight.isMatrix()
              ? OutTensor.of(name, dtype, weights.matrix(weight.name()))
              : OutTensor.of(name, dtype, weights.vector(weight.name())));
    }
    FeedForward ffn = layer.feedForward();
    tensors.add(OutTensor.of(prefix + "mlp_norm.weight", dtype, layer.feedForwardNorm()));
    tensors.add(OutTensor.of(prefix + "mlp.gate_proj.weight", dtype, ffn.gate()));
    tensors.add(OutTensor.of(prefix + "mlp.up_proj.weight", dtype, ffn.up()));
    tensors.add(OutTensor.of(prefix + "mlp.down_proj.weight", dtype, ffn.down()));
  }

  /**
   * Writes a checkpoint of seeded random weights, uniform with the spread of a new model's, and
   * norms of 1.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws IllegalArgumentException if fla's format cannot express the configuration
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      DecoderConfig config, Path folder, DType dtype, long seed, LoadOptions.Progress progress) {
    JsonNode json = FlaConfig.json(config, dtype);
    writeRandom(config, json, folder, dtype, seed, progress);
  }

  /**
   * Writes a checkpoint of such weights with a configuration as it is given, but for torch_dtype
   * and dtype.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      Configuration config, Path folder, DType dtype, long seed, LoadOptions.Progress progress) {
    writeRandom(config.decoder(), config.json(dtype), folder, dtype, seed, progress);
  }

  private static void writeRandom(
      DecoderConfig config,
      JsonNode json,
      Path folder,
      DType dtype,
      long seed,
      LoadOptions.Progress progress) {
    SplittableRandom seeds = new SplittableRandom(seed);
    List<ExpectedTensor> expected = new FlaFamily().tensors(config, Family.Present.NOTHING);
    expected.forEach(tensor -> requireWritable(tensor, dtype));
    DiskRoom.require(folder, expected.stream().mapToDouble(t -> bytes(t, dtype)).sum());
    List<OutTensor> tensors = new ArrayList<>();
    for (ExpectedTensor tensor : expected) {
      tensors.add(
          switch (tensor.use()) {
            case NORM -> constant(tensor, dtype, 1);
            case BIAS -> constant(tensor, dtype, 0);
            default -> uniform(tensor, dtype, seeds.split());
          });
    }
    write(folder, json, tensors, SHARD_BYTES, Map.of(), List.of(), progress);
  }

  private static double bytes(ExpectedTensor tensor, DType dtype) {
    return tensor.shape().stream().mapToDouble(size -> size).reduce(dtype.bytes(), (a, b) -> a * b);
  }

  private static void requireWritable(ExpectedTensor tensor, DType dtype) {
    try {
      long elements = tensor.shape().stream().reduce(1L, Math::multiplyExact);
      Math.multiplyExact(elements, dtype.bytes());
      Math.toIntExact(tensor.shape().get(tensor.shape().size() - 1) * dtype.bytes());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "expected rows of less than 2^31 bytes, got a size that is too large: "
              + tensor.name()
              + " of shape "
              + tensor.shape(),
          e);
    }
  }

  private static OutTensor constant(ExpectedTensor tensor, DType dtype, double value) {
    return OutTensor.of(
        tensor.name(), dtype, tensor.shape(), (row, into) -> Arrays.fill(into, value));
  }

  private static OutTensor uniform(ExpectedTensor tensor, DType dtype, SplittableRandom random) {
    double bound = DEVIATION * Math.sqrt(3);
    return OutTensor.of(
        tensor.name(),
        dtype,
        tensor.shape(),
        (row, into) -> Arrays.setAll(into, i -> (2 * random.nextDouble() - 1) * bound));
  }

  /**
   * Writes a checkpoint's tensors anew, in another type or other shards; names and configuration
   * stay, but for torch_dtype and dtype, and so do the files' __metadata__.
   *
   * @param dtype of the weights, or null to keep each as it is; numbers are rounded once, to
   *     nearest, ties to even
   * @param shardBytes the most bytes of data in a file
   * @throws CheckpointException if tensors and configuration disagree, a finite number becomes
   *     infinite in the new type, or something cannot be read or written; nothing is left then
   */
  public static void convert(
      Checkpoint from, Path to, DType dtype, long shardBytes, LoadOptions.Progress progress) {
    try (CheckpointFiles files = from.files()) {
      from.requireTensors(files);
      List<OutTensor> tensors = new ArrayList<>();
      for (String name : files.names()) {
        tensors.add(converted(files, name, dtype));
      }
      ObjectNode json = (ObjectNode) from.json();
      if (dtype != null) {
        FlaConfig.putType(json, dtype);
      }
      List<Path> others = others(from.folder());
      write(to, json, tensors, shardBytes, files.metadata(), others, progress);
    }
  }

  /** Returns what is neither tensors nor config.json: tokenizers, generation settings, licences. */
  private static List<Path> others(Path from) {
    try (Stream<Path> files = Files.list(from)) {
      return files.filter(Files::isRegularFile).filter(CheckpointWriter::isOther).sorted().toList();
    } catch (IOException e) {
      throw unlisted(from, e);
    } catch (UncheckedIOException e) {
      throw unlisted(from, e.getCause());
    }
  }

  private static CheckpointException unlisted(Path from, IOException e) {
    return new CheckpointException(
        "cannot list the files beside " + from + ": " + Shown.reason(e), e);
  }

  private static boolean isOther(Path file) {
    String name = file.getFileName().toString();
    return !name.endsWith(".safetensors")
        && !name.endsWith(".safetensors.index.json")
        && !name.equals("config.json")
        && !name.startsWith(".");
  }

  private static OutTensor converted(CheckpointFiles files, String name, DType dtype) {
    TensorInfo info = files.info(name);
    int n = Math.toIntExact(info.shape().isEmpty() ? 1 : info.shape().get(info.shape().size() - 1));
    // Tables of angles and decays, which torchscale reads back: γ would round to 1.
    boolean table = name.contains("retnet_rel_pos.");
    if (table || dtype == null || dtype == info.dtype() || !info.dtype().isWeight()) {
      byte[] row = new byte[Math.multiplyExact(n, info.dtype().bytes())];
      return new OutTensor(
          name,
          info.dtype(),
          info.shape(),
          (index, into) -> {
            files.readBytes(name, index * row.length, row, row.length);
            into.put(row);
          });
    }
    return OutTensor.of(
        name, dtype, info.shape(), (index, into) -> files.read(name, index * n, n, into));
  }

  private static void write(
      Path folder,
      JsonNode json,
      List<OutTensor> tensors,
      long shardBytes,
      Map<String, String> metadata,
      List<Path> others,
      LoadOptions.Progress progress) {
    DiskRoom.require(folder, tensors.stream().mapToDouble(OutTensor::bytes).sum());
    boolean made = !Files.exists(folder);
    SafetensorsWriter.prepareFolder(folder);
    if (made) {
      PendingFile.noteFolder(folder, true);
    }
    boolean written = false;
    // Written first, so that nothing appears if it cannot be; it appears last, for a folder without
    // it is no checkpoint.
    try (PendingFile config = new PendingFile(folder.resolve("config.json"))) {
      String text = json.toPrettyString() + "\n";
      config.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      config.sync();
      SafetensorsWriter.writeFolder(folder, tensors, shardBytes, metadata, others, progress);
      config.finish();
      written = true;
    } finally {
      if (made && !written) {
        removeEmpty(folder);
      }
      PendingFile.noteFolder(folder, false);
    }
  }

  private static void removeEmpty(Path folder) {
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // Somebody put something there; it is theirs.
    }
  }
}
