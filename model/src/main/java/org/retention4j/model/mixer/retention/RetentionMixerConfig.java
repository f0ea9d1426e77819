package org.retention4j.model.mixer.retention;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.StateSize;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.Wording;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * Multi-scale retention as the mixer of a layer.
 *
 * @param block its shape and conventions
 * @since 0.1
 */
public record RetentionMixerConfig(RetentionConfig block) implements MixerConfig {
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
            + " head norm %s, eps %s",
        block.heads(),
        block.kvHeads(),
        block.keyWidth(),
        Wording.number(block.heads() * block.keyWidth() / d),
        block.valueWidth(),
        Wording.number(block.heads() * block.valueWidth() / d),
        block.gate() ? "on" : "off",
        block.featureMap().name().toLowerCase(Locale.ROOT),
        block.decay().name(),
        block.rotation().layout().name().toLowerCase(Locale.ROOT),
        Wording.number(block.rotation().base()),
        block.scaleKeys() ? "keys" : "scores",
        block.normaliseOutput() ? "normalised" : "as it is",
        block.headNormWeight() ? "with a weight" : "without a weight",
        block.normEps());
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
