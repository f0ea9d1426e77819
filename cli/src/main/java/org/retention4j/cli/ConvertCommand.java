package org.retention4j.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.cli.bar.LoadBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a checkpoint in another type or other shards. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Writes a checkpoint anew in another type or other shards.")
final class ConvertCommand implements Callable<Integer> {
  private static final List<String> FAMILIES = List.of("fla", "torchscale");

  @Option(
      names = "--from",
      paramLabel = "DIR",
      required = true,
      description = "model folder, or austen")
  private Path from;

  @Option(names = "--to", paramLabel = "DIR", required = true, description = "new model folder")
  private Path to;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      converter = DTypeConverter.class,
      description = "f64, f32, f16 or bf16 (default: as each tensor is)")
  private DType dtype;

  @Option(
      names = "--shard-size",
      paramLabel = "BYTES",
      defaultValue = "5000000000",
      description = "the most bytes of data in a file (default: ${DEFAULT-VALUE})")
  private long shardBytes;

  @Option(
      names = "--family",
      paramLabel = "NAME",
      description = "fla or torchscale; another than the checkpoint's own is refused")
  private String family;

  @Option(
      names = "--force",
      description =
          "replace a checkpoint in the new folder, and files that have the names of copied ones")
  private boolean force;

  @Mixin private KeyOptions keys;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (shardBytes < 1) {
      throw new IllegalArgumentException("expected --shard-size >= 1, got " + shardBytes);
    }
    Checkpoint checkpoint = keys.open(spec, from);
    if (family != null && !FAMILIES.contains(family)) {
      throw new IllegalArgumentException(
          "expected --family to be one of " + FAMILIES + ", got " + family);
    }
    if (family != null && !family.equals(checkpoint.family())) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected --family %s, the checkpoint's own, got %s: the two rotate other pairs by"
                  + " other angles, scale keys or scores, and norm with or without a weight, so"
                  + " that no renaming of tensors turns one into the other",
              checkpoint.family(),
              family));
    }
    // Before there is a new folder, which may be made within the old one.
    List<Path> leftOut = CheckpointWriter.leftOut(checkpoint);
    try (LoadBar bar = new LoadBar("writing", checkpoint.config().parameters())) {
      CheckpointWriter.convert(
          checkpoint, to, new WriteOptions(Optional.ofNullable(dtype), shardBytes, force, bar));
    } catch (CheckpointException e) {
      throw Texts.withForce(e);
    }
    for (Path file : leftOut) {
      spec.commandLine().getErr().println("not taken along: " + Shown.name(file.getFileName()));
    }
    return 0;
  }
}
