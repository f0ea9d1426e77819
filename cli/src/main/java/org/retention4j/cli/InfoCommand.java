package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointFiles;
import org.retention4j.checkpoint.TensorInfo;
import org.retention4j.core.RetentionConfig;
import org.retention4j.model.AttentionConfig;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a model folder holds and what it takes to run it. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    description = "Shows a model's configuration, parameters, types and memory.")
final class InfoCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "model folder")
  private Path folder;

  @Option(
      names = "--length",
      paramLabel = "N",
      defaultValue = "8192",
      description = "length at which a key/value cache is counted (default: ${DEFAULT-VALUE})")
  private long length;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (length < 0) {
      throw new IllegalArgumentException("expected --length >= 0, got " + length);
    }
    Checkpoint checkpoint = Checkpoint.open(folder);
    PrintWriter out = spec.commandLine().getOut();
    DecoderConfig c = checkpoint.config();
    line(out, "family", checkpoint.family());
    line(out, "layers", layers(c));
    c.layers().stream().distinct().forEach(layer -> line(out, "layer", shape(layer)));
    line(out, "width", Texts.count(c.modelWidth()));
    line(out, "vocabulary", Texts.count(c.vocabulary()) + (c.tiedOutput() ? ", tied" : ""));
    line(out, "parameters", Texts.count(c.parameters()));
    try (CheckpointFiles files = checkpoint.files()) {
      tensors(out, files);
    }
    memory(out, c);
    return 0;
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-22s %s%n", name, value);
  }

  private static String layers(DecoderConfig c) {
    long retention = c.layers().stream().filter(LayerConfig::retains).count();
    long attention = c.layers().size() - retention;
    return String.format("%d: %d retention, %d attention", c.layers().size(), retention, attention);
  }

  private static String shape(LayerConfig layer) {
    String ffn =
        String.format(
            ", feed-forward %d (%s, gated)",
            layer.hidden(), layer.activation().name().toLowerCase(java.util.Locale.ROOT));
    if (layer.retains()) {
      RetentionConfig r = layer.retention();
      return String.format(
              "retention, %d heads (%d key/value), K %d, V %d, gate %s",
              r.heads(), r.kvHeads(), r.keyWidth(), r.valueWidth(), r.gate() ? "on" : "off")
          + ffn;
    }
    AttentionConfig a = layer.attention();
    String window = a.window() == AttentionConfig.UNBOUNDED ? "" : ", window " + a.window();
    return String.format(
            "attention, %d heads (%d key/value) of %d, rope %.0f%s",
            a.heads(), a.kvHeads(), a.headWidth(), a.ropeBase(), window)
        + ffn;
  }

  private static void tensors(PrintWriter out, CheckpointFiles files) {
    Map<String, Long> bytes = new TreeMap<>();
    for (String name : files.names()) {
      TensorInfo info = files.info(name);
      bytes.merge(info.dtype().name(), info.end() - info.begin(), Long::sum);
    }
    line(out, "tensors", Texts.count(files.names().size()));
    bytes.forEach((dtype, n) -> line(out, "weights in " + dtype, Texts.bytes((double) n)));
  }

  private void memory(PrintWriter out, DecoderConfig c) {
    line(out, "state per sequence", Texts.bytes(4.0 * c.stateElements()) + " in fp32, any length");
    long perToken = c.cacheElementsPerToken();
    if (perToken > 0) {
      line(
          out,
          "cache at " + Texts.count(length),
          String.format(
              "%s in fp32, %s in bf16",
              Texts.bytes(4.0 * perToken * length), Texts.bytes(2.0 * perToken * length)));
    }
    long equal = 2L * c.modelWidth() * c.layers().size() * length;
    line(
        out,
        "beside it",
        String.format(
            "a Transformer of this width and depth would hold %s of cache at %s tokens (fp32)",
            Texts.bytes(4.0 * equal), Texts.count(length)));
  }
}
