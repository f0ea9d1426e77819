package org.retention4j.model.mixer.retention;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.Rotation;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.StateSize;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.Wording;
import org.retention4j.nn.NormKind;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * Multi-scale retention as the mixer of a layer.
 *
 * @param block its shape and conventions
 * @since 0.1
 */
public record RetentionMixerConfig(RetentionConfig block) implements MixerConfig {
  /** Refuses a block of two streams: a layer has one. */
  public RetentionMixerConfig {
    Args.present("block", block);
    if (block.twoStreams()) {
      throw new IllegalArgumentException(
          "expected a block with one stream as a layer's mixer, got one with keys and values from"
              + " a stream of width "
              + block.keyValueInput());
    }
  }

  /** The word for this kind of mixer. */
  public static final String KIND = "retention";

  /** Returns the conventions of fla checkpoints, see {@link RetentionConfig#fla}. */
  public static RetentionMixerConfig fla(int modelWidth, int heads) {
    return new RetentionMixerConfig(RetentionConfig.fla(modelWidth, heads));
  }

  /** Returns a mixer's configuration if it is one of retention, for formats that know retention. */
  public static Optional<RetentionMixerConfig> matching(MixerConfig any) {
    return any instanceof RetentionMixerConfig config ? Optional.of(config) : Optional.empty();
  }

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public String describe() {
    double d = block.modelWidth();
    return String.format(
        Locale.ROOT,
        "retention, %d heads (%d key/value), K %d (expand_k %s), V %d (expand_v %s), gate %s,"
            + " feature map %s, %s decay, %s rotation of base %s, scale on the %s, output %s,"
            + " head norm %s, eps %s%s",
        block.heads(),
        block.kvHeads(),
        block.keyWidth(),
        Wording.number(block.heads() * block.keyWidth() / d),
        block.valueWidth(),
        Wording.number(block.heads() * block.valueWidth() / d),
        gate(),
        word(block.featureMap()),
        block.decay().name(),
        block.rotation().layout().name().toLowerCase(Locale.ROOT),
        Wording.number(block.rotation().base()),
        block.scaleKeys() ? "keys" : "scores",
        block.normaliseOutput() ? "normalised" : "as it is",
        norm(),
        block.normEps(),
        others());
  }

  private String gate() {
    return switch (block.gate()) {
      case SILU -> "on";
      case NONE -> "off";
      default -> word(block.gate());
    };
  }

  private String norm() {
    HeadNorm norm = block.norm();
    String weight =
        switch (norm.weight()) {
          case NONE -> "without a weight";
          case SHARED -> "with a weight";
          case PER_CHANNEL -> "with a weight per channel";
        };
    return (norm.kind() == NormKind.LAYER ? "less the mean " : "")
        + weight
        + (norm.bias() ? " and a bias" : "")
        + (block.normGroups() == block.heads() ? "" : " over " + block.normGroups() + " groups");
  }

  /** Returns the options that most blocks do not have. */
  private String others() {
    StringBuilder all = new StringBuilder();
    if (block.valueMap() != Activation.NONE) {
      all.append(", value map ").append(word(block.valueMap()));
    }
    if (block.queryKeyNorm()) {
      all.append(", q/k norm");
    }
    if (block.rotation().rotated(block.keyWidth()) % block.keyWidth() != 0) {
      all.append(", rotation of ").append(block.rotation().channels()).append(" channels");
    }
    if (!block.biases().isEmpty()) {
      all.append(", biases of ").append(block.biases().toString().toLowerCase(Locale.ROOT));
    }
    return all.toString();
  }

  private static String word(Activation f) {
    return f.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String identity() {
    Rotation rotation = block.rotation();
    StringBuilder all = new StringBuilder("retention");
    all.append(" heads=").append(block.heads()).append(" kv_heads=").append(block.kvHeads());
    all.append(" k=").append(block.keyWidth()).append(" v=").append(block.valueWidth());
    all.append(" decay=").append(Arrays.toString(block.decay().logDecay().values()));
    all.append(" rotation=").append(rotation.layout().name()).append(' ');
    all.append(rotation.schedule().name()).append(' ').append(rotation.base());
    all.append(' ').append(rotation.rotated(block.keyWidth()));
    all.append(" maps=").append(block.featureMap().name()).append(' ');
    all.append(block.valueMap().name()).append(" qk_norm=").append(block.queryKeyNorm());
    all.append(" norm=").append(block.norm().kind().name()).append(' ');
    all.append(block.norm().weight().name()).append(' ').append(block.norm().bias());
    all.append(' ').append(block.normGroups()).append(" eps=").append(block.normEps());
    all.append(" gate=").append(block.gate().name()).append(" scale_keys=");
    all.append(block.scaleKeys()).append(" normalised=").append(block.normaliseOutput());
    return all.append(" scale=").append(block.outputScale()).toString();
  }

  /** Returns what each head remembers, see {@link Horizon}. */
  @Override
  public List<String> details(int vocabulary) {
    return Horizon.table(
        block.decay().logDecay().values(), block.keyWidth(), block.valueWidth(), vocabulary);
  }

  @Override
  public int modelWidth() {
    return block.modelWidth();
  }

  @Override
  public List<WeightSpec> weights() {
    return block.weights();
  }

  @Override
  public MicroBatches microBatches(SequenceForm form) {
    return form.microBatches();
  }

  /** Returns H·K·V. */
  @Override
  public long stateElements() {
    return (long) block.heads() * block.keyWidth() * block.valueWidth();
  }

  @Override
  public double cacheElements(double length) {
    return 0;
  }

  @Override
  public StateSize stateSize(ElementType type, KvCacheOptions options, long length) {
    return new StateSize(RetentionState.bytes(block, type), 0, 0);
  }

  /** Returns those of the chunkwise form as sessions use it, see {@link #coreFlops(int, int)}. */
  @Override
  public double coreFlops(int tokens) {
    return coreFlops(tokens, ChunkwiseForm.DEFAULT_CHUNK);
  }

  /**
   * Returns the floating-point operations of chunks of C tokens, as {@link #coreFlops(int)} counts:
   * T·H·K·(C(1+f) + 4·f·K + f·K/C) with f = V/K.
   *
   * @param tokens T
   * @param chunkSize C, at least 1; the whole text is one where it is shorter
   */
  public double coreFlops(int tokens, int chunkSize) {
    double f = (double) block.valueWidth() / block.keyWidth();
    double chunk = Math.min(chunkSize, tokens);
    double perElement = chunk * (1 + f) + 4 * f * block.keyWidth() + f * block.keyWidth() / chunk;
    return (double) tokens * block.heads() * block.keyWidth() * perElement;
  }

  @Override
  public TokenMixer create(WeightSource source) {
    return new RetentionMixer(this, RetentionWeights.of(block, source));
  }
}
