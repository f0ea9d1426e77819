package org.retention4j.model.mixer.attention;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
 * The shape of a causal softmax attention.
 *
 * @param modelWidth D
 * @param heads query heads
 * @param kvHeads key/value heads, divide heads
 * @param headWidth width of a head, even
 * @param ropeBase base of the rotary embedding, 10000 by default in the checkpoints
 * @param window how many of the last tokens a token sees, itself included; {@link #UNBOUNDED} for
 *     all
 * @param bias whether queries, keys and values have a bias
 * @since 0.1
 */
public record AttentionConfig(
    int modelWidth,
    int heads,
    int kvHeads,
    int headWidth,
    double ropeBase,
    int window,
    boolean bias)
    implements MixerConfig {
  /** The word for this kind of mixer. */
  public static final String KIND = "attention";

  static final String QUERY = "query";
  static final String KEY = "key";
  static final String VALUE = "value";
  static final String OUTPUT = "output";
  static final String QUERY_BIAS = "query bias";
  static final String KEY_BIAS = "key bias";
  static final String VALUE_BIAS = "value bias";

  /** The window of a token that sees all earlier ones. */
  public static final int UNBOUNDED = Integer.MAX_VALUE;

  /** Checks that the parts fit together. */
  public AttentionConfig {
    if (modelWidth < 1 || heads < 1 || kvHeads < 1 || headWidth < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected sizes >= 1, got modelWidth %d, heads %d, kvHeads %d, headWidth %d",
              modelWidth,
              heads,
              kvHeads,
              headWidth));
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "expected kvHeads to divide heads = " + heads + ", got " + kvHeads);
    }
    if (headWidth % 2 != 0) {
      throw new IllegalArgumentException("rotation needs an even head width, got " + headWidth);
    }
    if (!(ropeBase > 0) || Double.isInfinite(ropeBase)) {
      throw new IllegalArgumentException("expected a finite ropeBase > 0, got " + ropeBase);
    }
    if (window < 1) {
      throw new IllegalArgumentException("expected a window >= 1, got " + window);
    }
  }

  /** Makes an attention without a window and without biases. */
  public AttentionConfig(int modelWidth, int heads, int kvHeads, int headWidth, double ropeBase) {
    this(modelWidth, heads, kvHeads, headWidth, ropeBase, UNBOUNDED, false);
  }

  /**
   * Returns multi-head attention with D/heads wide heads and base 10000.
   *
   * @throws IllegalArgumentException if heads do not divide D into even widths
   */
  public static AttentionConfig multiHead(int modelWidth, int heads) {
    if (heads < 1 || modelWidth % heads != 0) {
      throw new IllegalArgumentException(
          "expected heads to divide modelWidth = " + modelWidth + ", got " + heads);
    }
    return new AttentionConfig(modelWidth, heads, heads, modelWidth / heads, 10_000);
  }

  /** Returns whether a token sees only some of the earlier ones. */
  public boolean windowed() {
    return window != UNBOUNDED;
  }

  /** Returns a mixer's configuration if it is one of attention, for formats that know attention. */
  public static Optional<AttentionConfig> matching(MixerConfig any) {
    return any instanceof AttentionConfig config ? Optional.of(config) : Optional.empty();
  }

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public String identity() {
    return String.format(
        Locale.ROOT,
        "attention heads=%d kv_heads=%d width=%d rope=%s window=%s bias=%s",
        heads,
        kvHeads,
        headWidth,
        ropeBase,
        windowed() ? window : "none",
        bias);
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "attention, %d heads (%d key/value) of %d, rotation of base %s, window %s, %s",
        heads,
        kvHeads,
        headWidth,
        Wording.number(ropeBase),
        windowed() ? window : "none",
        bias ? "bias on queries, keys and values" : "no bias");
  }

  /**
   * Returns W_Q (heads·d, D), W_K and W_V (kvHeads·d, D), W_O (D, heads·d), and with biases those
   * of queries, keys and values.
   */
  @Override
  public List<WeightSpec> weights() {
    long queries = (long) heads * headWidth;
    long keys = (long) kvHeads * headWidth;
    List<WeightSpec> all = new ArrayList<>();
    all.add(WeightSpec.matrix(QUERY, queries, modelWidth));
    all.add(WeightSpec.matrix(KEY, keys, modelWidth));
    all.add(WeightSpec.matrix(VALUE, keys, modelWidth));
    all.add(WeightSpec.matrix(OUTPUT, modelWidth, queries));
    if (bias) {
      all.add(WeightSpec.bias(QUERY_BIAS, queries));
      all.add(WeightSpec.bias(KEY_BIAS, keys));
      all.add(WeightSpec.bias(VALUE_BIAS, keys));
    }
    return all;
  }

  /** Takes tokens anyhow: it has no forms. */
  @Override
  public MicroBatches microBatches(SequenceForm form) {
    return MicroBatches.FULL;
  }

  @Override
  public long stateElements() {
    return 0;
  }

  /** Returns 2·kvHeads·d for each token so far that the window shows. */
  @Override
  public double cacheElements(double length) {
    return 2.0 * kvHeads * headWidth * Math.min(length, window);
  }

  @Override
  public StateSize stateSize(ElementType type, KvCacheOptions options, long length) {
    return CacheSize.of(this, type, options, length);
  }

  /** Returns 4·heads·d for each token and each that it sees: 2·T(T+1)·heads·d without a window. */
  @Override
  public double coreFlops(int tokens) {
    double growing = Math.min(tokens, window);
    double pairs = growing * (growing + 1) / 2 + (tokens - growing) * window;
    return 4 * pairs * heads * headWidth;
  }

  @Override
  public TokenMixer create(WeightSource source) {
    return new AttentionMixer(this, source);
  }
}
