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
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.internal.family.UnknownKeys;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.estimate.MemoryEstimate;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.StateSize;
import org.retention4j.model.mixer.Wording;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
  @Parameters(paramLabel = "DIR", description = "model folder, or austen")
  private Path folder;

  @Option(
      names = "--length",
      paramLabel = "N",
      defaultValue = "8192",
      description = "length at which a key/value cache is counted (default: ${DEFAULT-VALUE})")
  private long length;

  @Mixin private KeyOptions keys;

  @Spec private CommandSpec spec;

  private PrintWriter out;

  @Override
  public Integer call() {
    if (length < 0) {
      throw new IllegalArgumentException("expected --length >= 0, got " + length);
    }
    Checkpoint checkpoint = keys.open(spec, folder);
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
    details(checkpoint.config());
    return 0;
  }

  private void line(String name, String format, Object... values) {
    String value = values.length == 0 ? format : String.format(Locale.ROOT, format, values);
    out.printf(Locale.ROOT, "%-22s %s%n", name, value);
  }

  private void configuration(Checkpoint checkpoint) {
    DecoderConfig c = checkpoint.config();
    line("family", checkpoint.family());
    line("layers", "%d: %s", c.layers().size(), mixers(checkpoint));
    for (LayerConfig layer : new LinkedHashSet<>(c.layers())) {
      line("layer " + indices(c, layer::equals), "%s", layer.mixer().describe());
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
        Wording.number(c.embeddingScale()),
        c.embeddingNorm() ? "normed" : "no norm");
    line("norm eps", "%s", c.normEps());
    line("begin, end of text", tokens(checkpoint));
    line("parameters", Texts.count(c.parameters()));
    checkpoint
        .unknownKeys()
        .forEach((key, value) -> line("unknown key", UnknownKeys.shown(key, value) + ", not read"));
  }

  /** What mixers say of themselves, once for all layers that say the same. */
  private void details(DecoderConfig c) {
    Function<LayerConfig, List<String>> said = layer -> layer.mixer().details(c.vocabulary());
    for (List<String> lines : new LinkedHashSet<>(c.layers().stream().map(said).toList())) {
      if (!lines.isEmpty()) {
        line(
            "memory of layer",
            "%s; an estimate, see docs/numerics.md",
            indices(c, layer -> said.apply(layer).equals(lines)));
        lines.forEach(text -> out.println("  " + text));
      }
    }
  }

  /** Returns the numbers of some layers, runs in short. */
  private static String indices(DecoderConfig c, Predicate<LayerConfig> some) {
    StringBuilder indices = new StringBuilder();
    int count = c.layers().size();
    for (int i = 0; i < count; i++) {
      if (some.test(c.layers().get(i))) {
        int first = i;
        while (i + 1 < count && some.test(c.layers().get(i + 1))) {
          i++;
        }
        indices.append(indices.length() == 0 ? "" : ",").append(first);
        indices.append(i == first ? "" : "-" + i);
      }
    }
    return indices.toString();
  }

  /** Returns how many layers there are of each kind that the family has. */
  private static String mixers(Checkpoint checkpoint) {
    return checkpoint.mixers().stream()
        .map(
            kind ->
                checkpoint.config().layers().stream()
                        .filter(layer -> layer.mixer().kind().equals(kind))
                        .count()
                    + " "
                    + kind)
        .collect(Collectors.joining(", "));
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
    try (CheckpointFiles files = CheckpointFiles.open(checkpoint.folder())) {
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
    StateSize wide = size(c, CacheType.FLOAT32);
    line("state per sequence", Texts.bytes((double) wide.fixed()) + " in fp32, at any length");
    String at = " at " + Texts.count(length);
    if (c.layers().stream().anyMatch(layer -> layer.mixer().cacheElements(1) > 0)) {
      line("cache" + at, cache(c));
    }
    if (wide.fixed() == 0) {
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

  private StateSize size(DecoderConfig c, CacheType type) {
    int limit = (int) Math.min(Integer.MAX_VALUE, length);
    KvCacheOptions options =
        KvCacheOptions.DEFAULT
            .withMaxTokens(Math.max(limit, KvCacheOptions.DEFAULT.maxTokens()))
            .withCacheType(type);
    return new MemoryEstimate(ElementType.FLOAT32).sequence(c, options, length);
  }

  private String cache(DecoderConfig c) {
    String text = "";
    for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
      StateSize size = size(c, type);
      text +=
          String.format(
              Locale.ROOT,
              "%s%s in %s (with its blocks of %d tokens at most %s)",
              text.isEmpty() ? "" : ", ",
              Texts.bytes(size.cache()),
              type == CacheType.FLOAT32 ? "fp32" : "bf16",
              KvHead.BLOCK,
              Texts.bytes(size.heldCache()));
    }
    return text;
  }
}
