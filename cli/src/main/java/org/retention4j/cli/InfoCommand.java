package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointFiles;
import org.retention4j.checkpoint.TensorInfo;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.CacheType;
import org.retention4j.engine.ElementType;
import org.retention4j.model.AttentionConfig;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.MemoryOptions;
import org.retention4j.model.SequenceMemory;
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

  private PrintWriter out;

  @Override
  public Integer call() {
    if (length < 0) {
      throw new IllegalArgumentException("expected --length >= 0, got " + length);
    }
    Checkpoint checkpoint = Checkpoint.open(folder);
    // Asked first: a folder that is no checkpoint gives an error and no half of a list.
    Map<ModelOptions.Weights, Long> weights = new EnumMap<>(ModelOptions.Weights.class);
    for (ModelOptions.Weights type : ModelOptions.Weights.values()) {
      weights.put(type, checkpoint.weightBytes(type.choice(), ElementType.FLOAT32));
    }
    out = spec.commandLine().getOut();
    configuration(checkpoint);
    tensors(checkpoint);
    weights.forEach(
        (type, bytes) ->
            line(
                "weights as " + type.name().toLowerCase(Locale.ROOT),
                Texts.bytes((double) bytes) + " in memory"));
    memory(checkpoint.config());
    return 0;
  }

  private void line(String name, String format, Object... values) {
    String value = values.length == 0 ? format : String.format(Locale.ROOT, format, values);
    out.printf(Locale.ROOT, "%-22s %s%n", name, value);
  }

  private void configuration(Checkpoint checkpoint) {
    DecoderConfig c = checkpoint.config();
    line("family", checkpoint.family());
    long retention = c.layers().stream().filter(LayerConfig::retains).count();
    line(
        "layers",
        "%d: %d retention, %d attention",
        c.layers().size(),
        retention,
        c.layers().size() - retention);
    for (LayerConfig layer : new LinkedHashSet<>(c.layers())) {
      line("layer " + indices(c, layer), layer.retains() ? retention(layer) : attention(layer));
      line(
          "  feed-forward",
          "width %d, gated by %s",
          layer.hidden(),
          layer.activation().name().toLowerCase(Locale.ROOT));
    }
    line("width", Texts.count(c.modelWidth()));
    line(
        "vocabulary",
        "%s, output matrix %s",
        Texts.count(c.vocabulary()),
        c.tiedOutput() ? "tied to the embedding" : "of its own");
    line(
        "embedding",
        "times %s, %s",
        number(c.embeddingScale()),
        c.embeddingNorm() ? "normed" : "no norm");
    line("norm eps", "%s", c.normEps());
    line("begin, end of text", tokens(checkpoint));
    line("parameters", Texts.count(c.parameters()));
  }

  /** Returns the numbers of the layers of one shape, runs in short. */
  private static String indices(DecoderConfig c, LayerConfig layer) {
    StringBuilder indices = new StringBuilder();
    int count = c.layers().size();
    for (int i = 0; i < count; i++) {
      if (c.layers().get(i).equals(layer)) {
        int first = i;
        while (i + 1 < count && c.layers().get(i + 1).equals(layer)) {
          i++;
        }
        indices.append(indices.length() == 0 ? "" : ",").append(first);
        indices.append(i == first ? "" : "-" + i);
      }
    }
    return indices.toString();
  }

  private static String retention(LayerConfig layer) {
    RetentionConfig r = layer.retention();
    double d = r.modelWidth();
    return String.format(
        Locale.ROOT,
        "retention, %d heads (%d key/value), K %d (expand_k %s), V %d (expand_v %s), gate %s,"
            + " feature map %s, %s decay, %s rotation of base %s, scale on the %s, output %s,"
            + " head norm %s, eps %s",
        r.heads(),
        r.kvHeads(),
        r.keyWidth(),
        number(r.heads() * r.keyWidth() / d),
        r.valueWidth(),
        number(r.heads() * r.valueWidth() / d),
        r.gate() ? "on" : "off",
        r.featureMap().name().toLowerCase(Locale.ROOT),
        r.decay().name(),
        r.rotation().layout().name().toLowerCase(Locale.ROOT),
        number(r.rotation().base()),
        r.scaleKeys() ? "keys" : "scores",
        r.normaliseOutput() ? "normalised" : "as it is",
        r.headNormWeight() ? "with a weight" : "without a weight",
        r.normEps());
  }

  private static String attention(LayerConfig layer) {
    AttentionConfig a = layer.attention();
    return String.format(
        Locale.ROOT,
        "attention, %d heads (%d key/value) of %d, rotation of base %s, window %s, %s",
        a.heads(),
        a.kvHeads(),
        a.headWidth(),
        number(a.ropeBase()),
        a.windowed() ? a.window() : "none",
        a.bias() ? "bias on queries, keys and values" : "no bias");
  }

  private static String number(double x) {
    return x == Math.rint(x) && Math.abs(x) < 1e15 ? Long.toString((long) x) : Double.toString(x);
  }

  private static String tokens(Checkpoint checkpoint) {
    OptionalInt begin = checkpoint.beginToken();
    String ends =
        checkpoint.endTokens().stream().map(String::valueOf).collect(Collectors.joining(" or "));
    return (begin.isPresent() ? begin.getAsInt() : "none")
        + ", "
        + (ends.isEmpty() ? "none" : ends);
  }

  private void tensors(Checkpoint checkpoint) {
    Map<String, Long> bytes = new TreeMap<>();
    try (CheckpointFiles files = checkpoint.files()) {
      for (String name : files.names()) {
        TensorInfo info = files.info(name);
        bytes.merge(info.dtype().name(), info.end() - info.begin(), Long::sum);
      }
      line("tensors", Texts.count(files.names().size()));
    }
    bytes.forEach(
        (dtype, n) -> line("weights in " + dtype, Texts.bytes((double) n) + " in the files"));
  }

  private void memory(DecoderConfig c) {
    line(
        "state per sequence",
        Texts.bytes((double) SequenceMemory.stateBytes(c)) + " in fp32, at any length");
    String at = " at " + Texts.count(length);
    if (c.layers().stream().anyMatch(layer -> !layer.retains())) {
      line("cache" + at, cache(c));
    }
    if (c.layers().stream().noneMatch(LayerConfig::retains)) {
      return;
    }
    // Attention of this width and depth, every layer of which sees all tokens.
    double equal = 2.0 * c.modelWidth() * c.layers().size() * length;
    line(
        "beside it",
        "a Transformer of this width and depth would hold %s of cache%s in fp32, %s in bf16",
        Texts.bytes(4 * equal),
        at,
        Texts.bytes(2 * equal));
  }

  private String cache(DecoderConfig c) {
    long limit = Math.max(length, MemoryOptions.DEFAULT.maxTokens());
    String text = "";
    for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
      text +=
          String.format(
              Locale.ROOT,
              "%s%s in %s (with its blocks of %d tokens at most %s)",
              text.isEmpty() ? "" : ", ",
              Texts.bytes(SequenceMemory.cacheBytes(c, type, length)),
              type == CacheType.FLOAT32 ? "fp32" : "bf16",
              CacheHead.BLOCK,
              Texts.bytes(SequenceMemory.heldCacheBytes(c, type, length, limit)));
    }
    return text;
  }
}
