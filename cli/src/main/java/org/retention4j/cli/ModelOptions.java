package org.retention4j.cli;

import java.nio.file.Path;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WeightChoice;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.cli.bar.LoadBar;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Which model, in which types, on how many threads. */
final class ModelOptions {
  /** More than any machine has processors for; starting many more takes minutes. */
  private static final int MOST_THREADS = 1024;

  /** The names of weight types on the command line. */
  enum Weights {
    FILE(WeightChoice.FILE),
    FP32(WeightChoice.FLOAT32),
    BF16(WeightChoice.BFLOAT16),
    INT8(WeightChoice.INT8);

    private final WeightChoice choice;

    Weights(WeightChoice choice) {
      this.choice = choice;
    }

    WeightChoice choice() {
      return choice;
    }
  }

  /** The names of element types on the command line. */
  enum Compute {
    FLOAT32(ElementType.FLOAT32),
    FP32(ElementType.FLOAT32),
    FLOAT64(ElementType.FLOAT64);

    private final ElementType type;

    Compute(ElementType type) {
      this.type = type;
    }
  }

  @Option(
      names = "--model",
      paramLabel = "DIR",
      required = true,
      description = "model folder, or austen for the model that comes with this command")
  private Path folder;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      defaultValue = "file",
      description = "file, fp32, bf16 or int8 (default: ${DEFAULT-VALUE})")
  private Weights weights;

  @Option(
      names = "--compute",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description = "fp32 or float64 (default: ${DEFAULT-VALUE})")
  private Compute compute;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads, at least 1 (default: all processors)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Mixin private KeyOptions keys;

  @Option(names = "--check", description = "refuse weights that are NaN or infinite")
  private boolean check;

  /** Opens the folder. */
  Checkpoint open(CommandSpec command) {
    return keys.open(command, folder);
  }

  /** Returns how the model is called: as its folder is. */
  String name() {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    return name == null ? "model" : name.toString();
  }

  ElementType type() {
    return compute.type;
  }

  /** Refuses a limit of caches that leaves no room for a token. */
  static void requireCacheLimit(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("expected --cache-limit >= 1, got " + limit);
    }
  }

  /** Says it where products of bf16 with bf16 are asked for and cannot be. */
  void sayProducts(CommandSpec command, Checkpoint checkpoint, Engine engine) {
    String option = "--bf16-products";
    if (!Effects.given(command, option)) {
      return;
    }
    if (compute.type == ElementType.FLOAT64) {
      Effects.none(command, "--compute is float64", option);
    } else if (!bfloat16Weights(checkpoint)) {
      Effects.none(command, "no weights are bf16", option);
    } else if (!engine.multipliesBfloat16()) {
      Effects.none(command, "this processor has no such products", option);
    }
  }

  private boolean bfloat16Weights(Checkpoint checkpoint) {
    if (weights != Weights.FILE) {
      // With int8 the output matrix is bf16.
      return weights != Weights.FP32;
    }
    try (CheckpointFiles files = CheckpointFiles.open(checkpoint.folder())) {
      return files.names().stream().anyMatch(name -> files.info(name).dtype() == DType.BF16);
    }
  }

  Engine engine() {
    if (threads < 1 || threads > MOST_THREADS) {
      throw new IllegalArgumentException(
          "expected --threads in 1.." + MOST_THREADS + ", got " + threads);
    }
    boolean wide = compute.type == ElementType.FLOAT64;
    return Engine.create(compute.type, threads, wide ? ComputeRoute.PLAIN : ComputeRoute.best());
  }

  LanguageModel load(Checkpoint checkpoint, Engine engine) {
    long total = checkpoint.config().parameters();
    try (LoadBar bar = new LoadBar("loading", total)) {
      return checkpoint.load(
          engine,
          LoadOptions.DEFAULT.withWeights(weights.choice).withCheckFinite(check).withProgress(bar));
    }
  }
}
