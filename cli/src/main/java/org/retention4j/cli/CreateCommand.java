package org.retention4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.Configuration;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.cli.bar.LoadBar;
import org.retention4j.model.DecoderConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a random checkpoint. */
@Command(
    name = "create",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Writes a checkpoint of random weights in fla's format.")
final class CreateCommand implements Callable<Integer> {
  @Option(
      names = "--shape",
      paramLabel = "NAME|config.json",
      required = true,
      description = "125m, 350m, 1.3b, 2.7b, 6.7b, or a configuration in fla's format")
  private String shape;

  @Option(
      names = "--transformer",
      description = "the Transformer of equal size instead of the RetNet")
  private boolean transformer;

  @Option(names = "--out", paramLabel = "DIR", required = true, description = "new model folder")
  private Path out;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of the weights (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--dtype",
      converter = DTypeConverter.class,
      paramLabel = "TYPE",
      defaultValue = "bf16",
      description = "f64, f32, f16 or bf16 (default: ${DEFAULT-VALUE})")
  private DType dtype;

  @Option(names = "--force", description = "replace a checkpoint in the folder")
  private boolean force;

  @Mixin private KeyOptions keys;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    DecoderConfig config = shape.endsWith(".json") ? fromFile() : byName();
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%s: %s parameters in %s, %s%n",
            out,
            Texts.count(config.parameters()),
            dtype,
            Texts.bytes((double) config.parameters() * dtype.bytes()));
    return 0;
  }

  private DecoderConfig byName() {
    DecoderConfig config = named();
    Effects.none(spec, "a shape by name has no keys", KeyOptions.IGNORE);
    write(config, options -> CheckpointWriter.writeRandom(config, out, seed, options));
    return config;
  }

  private DecoderConfig named() {
    try {
      return transformer ? ModelShapes.transformer(shape) : ModelShapes.retNet(shape);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          e.getMessage() + ", for --shape, which may also name a config.json", e);
    }
  }

  private DecoderConfig fromFile() {
    Path file = Path.of(shape);
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          "expected a configuration, got none, or a folder, at " + shape);
    }
    Configuration given = Configuration.read(file, keys.options());
    Configuration config = transformer ? given.transformer() : given;
    write(config.decoder(), options -> CheckpointWriter.writeRandom(config, out, seed, options));
    return config.decoder();
  }

  private void write(DecoderConfig config, Consumer<WriteOptions> writing) {
    try (LoadBar bar = new LoadBar("writing", config.parameters())) {
      writing.accept(WriteOptions.DEFAULT.withDType(dtype).withReplace(force).withProgress(bar));
    } catch (CheckpointException e) {
      throw Texts.withForce(e);
    }
  }
}
