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
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.format.PendingFolder;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.format.WeightFiles;
import org.retention4j.checkpoint.internal.family.ExpectedTensor;
import org.retention4j.checkpoint.internal.family.FlaConfig;
import org.retention4j.checkpoint.internal.family.FlaFamily;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.DiskRoom;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.WeightSpec;

/**
 * Writes checkpoints in fla's format: models made here, and random ones for trials and benchmarks.
 * All files appear together or none does: after a failure the folder is as it was. What is in it
 * already stays; a checkpoint or a file of the same name there is a {@link CheckpointException},
 * unless {@link WriteOptions} say that it is to be replaced. A thread that is interrupted ends it
 * by a {@link java.util.concurrent.CancellationException}, its interrupt status kept.
 *
 * @since 0.1
 */
public final class CheckpointWriter {
  /** The standard deviation of random weights, initializer_range in the published checkpoints. */
  private static final double DEVIATION = 0.02;

  private CheckpointWriter() {}

  /**
   * Writes a model where none was before.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws IllegalArgumentException if fla's format cannot express the model, with the reason
   * @throws CheckpointException if it cannot be written
   */
  public static void write(LanguageModel model, Path folder, DType dtype) {
    write(model, folder, WriteOptions.DEFAULT.withDType(dtype));
  }

  /**
   * Writes a model.
   *
   * @param options with a type
   * @throws IllegalArgumentException if fla's format cannot express the model, with the reason
   * @throws CheckpointException if it cannot be written
   */
  public static void write(LanguageModel model, Path folder, WriteOptions options) {
    DType dtype = type(options);
    DecoderConfig config = Args.present("a model", model).config();
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
    write(folder, json, tensors, Map.of(), List.of(), options);
  }

  private static DType type(WriteOptions options) {
    return Args.present("options", options)
        .dtype()
        .orElseThrow(
            () ->
                new IllegalArgumentException("expected options with a type of weights, got none"));
  }

  private static void add(List<OutTensor> tensors, String prefix, DecoderLayer layer, DType dtype) {
    tensors.add(OutTensor.of(prefix + "attn_norm.weight", dtype, layer.mixerNorm().weight()));
    MixerConfig mixer = layer.mixer().config();
    NamedWeights weights = layer.mixer().weights();
    for (WeightSpec weight : mixer.weights()) {
      String name = FlaFamily.tensor(prefix, mixer, weight, TensorNames.NOTHING);
      tensors.add(
          weight.isMatrix()
              ? OutTensor.of(name, dtype, weights.matrix(weight.name()))
              : OutTensor.of(name, dtype, weights.vector(weight.name())));
    }
    FeedForward ffn = layer.feedForward();
    tensors.add(OutTensor.of(prefix + "mlp_norm.weight", dtype, layer.feedForwardNorm().weight()));
    tensors.add(OutTensor.of(prefix + "mlp.gate_proj.weight", dtype, ffn.gate()));
    tensors.add(OutTensor.of(prefix + "mlp.up_proj.weight", dtype, ffn.up()));
    tensors.add(OutTensor.of(prefix + "mlp.down_proj.weight", dtype, ffn.down()));
  }

  /**
   * Writes a checkpoint of seeded random weights, uniform with the spread of a new model's, and
   * norms of 1, where none was before.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws IllegalArgumentException if fla's format cannot express the configuration
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      DecoderConfig config, Path folder, DType dtype, long seed, LoadOptions.Progress progress) {
    WriteOptions options = WriteOptions.DEFAULT.withDType(dtype).withProgress(progress);
    writeRandom(config, folder, seed, options);
  }

  /**
   * Writes a checkpoint of such weights.
   *
   * @param options with a type
   * @throws IllegalArgumentException if fla's format cannot express the configuration
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      DecoderConfig config, Path folder, long seed, WriteOptions options) {
    writeRandom(config, FlaConfig.json(config, type(options)), folder, seed, options);
  }

  /**
   * Writes a checkpoint of such weights with a configuration as it is given, but for torch_dtype
   * and dtype, where none was before.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      Configuration config, Path folder, DType dtype, long seed, LoadOptions.Progress progress) {
    WriteOptions options = WriteOptions.DEFAULT.withDType(dtype).withProgress(progress);
    writeRandom(config, folder, seed, options);
  }

  /**
   * Writes a checkpoint of such weights with a configuration as it is given, but for torch_dtype
   * and dtype.
   *
   * @param options with a type
   * @throws CheckpointException if it cannot be written
   */
  public static void writeRandom(
      Configuration config, Path folder, long seed, WriteOptions options) {
    writeRandom(config.decoder(), config.json(type(options)), folder, seed, options);
  }

  private static void writeRandom(
      DecoderConfig config, JsonNode json, Path folder, long seed, WriteOptions options) {
    DType dtype = type(options);
    SplittableRandom seeds = new SplittableRandom(seed);
    List<ExpectedTensor> expected = new FlaFamily().tensors(config, TensorNames.NOTHING);
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
    write(folder, json, tensors, Map.of(), List.of(), options);
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
   * stay, but for torch_dtype and dtype, and so do the files' __metadata__. What else is in its
   * folder is copied: tokenizers, generation settings, licences; but for {@link #leftOut}.
   *
   * @param to another folder; numbers are rounded once, to nearest, ties to even
   * @throws CheckpointException if tensors and configuration disagree, a finite number becomes
   *     infinite in the new type, or something cannot be read or written
   */
  public static void convert(Checkpoint from, Path to, WriteOptions options) {
    Args.present("a checkpoint", from);
    Args.present("a folder", to);
    Args.present("options", options);
    requireOther(from.folder(), to);
    try (CheckpointFiles files = CheckpointFiles.open(from.folder())) {
      from.requireTensors(files);
      List<OutTensor> tensors = new ArrayList<>();
      for (String name : files.names()) {
        tensors.add(converted(files, name, options.dtype()));
      }
      ObjectNode json = (ObjectNode) from.json();
      options.dtype().ifPresent(dtype -> FlaConfig.putType(json, dtype));
      write(to, json, tensors, files.metadata(), others(from.folder()), options);
    }
  }

  /** A checkpoint that replaces itself would be lost if the new one is not what was meant. */
  private static void requireOther(Path from, Path to) {
    try {
      if (Files.isDirectory(to) && Files.isSameFile(from, to)) {
        throw new CheckpointException(
            "expected another folder to write to than the checkpoint's own, got " + to);
      }
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + to + ": " + Shown.reason(e), e);
    }
  }

  /** Returns what is neither tensors nor config.json: tokenizers, generation settings, licences. */
  private static List<Path> others(Path from) {
    return files(from, CheckpointWriter::isOther).filter(Files::isRegularFile).toList();
  }

  /**
   * Returns what is beside a checkpoint that {@link #convert} does not take along: the weights once
   * more in formats of other programs, other safetensors, hidden files, folders, and links that
   * lead nowhere.
   */
  public static List<Path> leftOut(Checkpoint from) {
    Set<String> weights = WeightFiles.names(from.folder());
    return files(from.folder(), name -> !weights.contains(name) && !name.equals(Checkpoint.CONFIG))
        .filter(file -> !isOther(file.getFileName().toString()) || !Files.isRegularFile(file))
        .toList();
  }

  private static Stream<Path> files(Path from, Predicate<String> which) {
    try (Stream<Path> files = Files.list(from)) {
      return files
          .filter(file -> which.test(file.getFileName().toString()))
          .sorted()
          .toList()
          .stream();
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

  private static boolean isOther(String name) {
    return !name.endsWith(".safetensors")
        && !name.endsWith(".safetensors.index.json")
        && !name.equals(Checkpoint.CONFIG)
        && !name.startsWith(".")
        && !WeightFiles.isOtherFormat(name);
  }

  private static OutTensor converted(CheckpointFiles files, String name, Optional<DType> asked) {
    TensorInfo info = files.info(name);
    DType dtype = asked.orElse(info.dtype());
    int n = Math.toIntExact(info.shape().isEmpty() ? 1 : info.shape().get(info.shape().size() - 1));
    // Tables of angles and decays, which torchscale reads back: γ would round to 1.
    boolean table = name.contains("retnet_rel_pos.");
    if (table || dtype == info.dtype() || !info.dtype().isWeight()) {
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
      Map<String, String> metadata,
      List<Path> others,
      WriteOptions options) {
    DiskRoom.require(folder, tensors.stream().mapToDouble(OutTensor::bytes).sum() + bytes(others));
    SafetensorsWriter writer = new SafetensorsWriter(tensors, options.shardBytes(), metadata);
    List<String> names = writer.names();
    others.forEach(other -> names.add(other.getFileName().toString()));
    // It comes last: a folder without it is no checkpoint.
    names.add(Checkpoint.CONFIG);
    Set<String> weights = WeightFiles.names(folder);
    try (PendingFolder pending = PendingFolder.of(folder, names, weights, options.replace())) {
      String text = Json.text(json) + "\n";
      pending
          .add(Checkpoint.CONFIG)
          .write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      writer.write(pending, options.progress()::loaded);
      for (Path other : others) {
        pending.add(other.getFileName().toString()).write(other);
      }
      pending.finish();
    }
  }

  private static double bytes(List<Path> files) {
    double bytes = 0;
    for (Path file : files) {
      try {
        bytes += Files.size(file);
      } catch (IOException e) {
        throw new CheckpointException("cannot read " + file + ": " + Shown.reason(e), e);
      }
    }
    return bytes;
  }
}
