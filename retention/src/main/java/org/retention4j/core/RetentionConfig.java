package org.retention4j.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.WeightSpec;

/**
 * The shape and conventions of one multi-scale retention block (arXiv 2307.08621, §2.2, and what
 * models in use make of it):
 *
 * <pre>
 * q = rot( n( φ(x W_Q + b_Q) ) )   k = rot( n( φ(x_kv W_K + b_K) ) )   v = φ_v(x_kv W_V + b_V)
 * y = ( a(x W_G + b_G) ⊙ Norm(o) ) W_O + b_O
 * </pre>
 *
 * <p>Immutable; made by {@link #builder}, which starts from fla's conventions, or by one of the
 * presets {@link #fla}, {@link #torchscale}, {@link #diarisation}, {@link #lightning}.
 *
 * @since 0.1
 */
public final class RetentionConfig {
  /** Name of W_Q among the weights; the others' likewise. */
  public static final String QUERY = "query";

  public static final String KEY = "key";
  public static final String VALUE = "value";
  public static final String GATE = "gate";
  public static final String OUTPUT = "output";

  /** Name of the weight of n for queries; keys' likewise. */
  public static final String QUERY_NORM = "query norm";

  public static final String KEY_NORM = "key norm";

  /** Name of the head norm's weight, and of its bias. */
  public static final String HEAD_NORM = "head norm";

  public static final String HEAD_NORM_BIAS = "head norm bias";

  /** The projections of a block. */
  public enum Projection {
    /** W_Q. */
    QUERY,
    /** W_K. */
    KEY,
    /** W_V. */
    VALUE,
    /** W_G. */
    GATE,
    /** W_O. */
    OUTPUT;

    /** Returns the name of this projection's bias among the weights. */
    public String biasName() {
      return name().toLowerCase(Locale.ROOT) + " bias";
    }
  }

  private final RetentionConfigBuilder from;

  RetentionConfig(RetentionConfigBuilder settled) {
    from = settled;
  }

  /**
   * Returns the conventions of fla checkpoints: K = D/H, V = 2D/H, pow2 decay, half rotation, the
   * scale on the score, head norm with weight and eps 1e-6, gate.
   *
   * @throws IllegalArgumentException if H does not divide D
   */
  public static RetentionConfig fla(int modelWidth, int heads) {
    return builder(modelWidth, heads).build();
  }

  /**
   * Returns the conventions of torchscale checkpoints: K = D/H, V = 2D/H, pow2 decay, interleaved
   * rotation, scaled keys, outputs divided by √s_p, head norm without weight and eps 1e-6, gate.
   *
   * @throws IllegalArgumentException if H does not divide D
   */
  public static RetentionConfig torchscale(int modelWidth, int heads) {
    return builder(modelWidth, heads)
        .rotation(Rotation.TORCHSCALE)
        .norm(HeadNorm.PLAIN_RMS)
        .scaleKeys(true)
        .normaliseOutput(true)
        .build();
  }

  /**
   * Returns the block of streaming speaker diarization (LS-EEND): K = V = D/H, γ = 1 in every head,
   * no rotation, biases on every projection, scaled keys, outputs divided by √s_p = √(p+1), head
   * norm that subtracts the mean, without a weight, gate.
   *
   * @throws IllegalArgumentException if H does not divide D
   */
  public static RetentionConfig diarisation(int modelWidth, int heads) {
    double[] ones = new double[Math.max(0, heads)];
    Arrays.fill(ones, 1);
    return builder(modelWidth, heads)
        .valueWidth(Math.max(1, modelWidth / Math.max(1, heads)))
        .decay(DecaySchedule.custom(ones))
        .rotation(Rotation.NONE)
        .biases(Projection.values())
        .norm(HeadNorm.PLAIN_LAYER)
        .scaleKeys(true)
        .normaliseOutput(true)
        .build();
  }

  /**
   * Returns a layer of Lightning attention as Ling and Ring models have it: K = V = D/H, a decay by
   * layer ({@link DecaySchedule#slopes(int, int, int)}), silu of queries, keys and values, q/k
   * norms, half rotation of the first K/2 channels, head norm over H/2 groups with a weight per
   * channel, sigmoid gate.
   *
   * @param layer index from 0
   * @param layers how many there are, more than 1
   * @throws IllegalArgumentException if H is odd, or D/H no multiple of 4
   */
  public static RetentionConfig lightning(int modelWidth, int heads, int layer, int layers) {
    if (heads < 2 || heads % 2 != 0 || modelWidth % heads != 0 || modelWidth / heads % 4 != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected an even number of heads whose width D/H is a multiple of 4 (half of the"
                  + " channels rotate, two heads share a group of the norm), got D = %d, H = %d",
              modelWidth,
              heads));
    }
    int width = modelWidth / heads;
    return builder(modelWidth, heads)
        .valueWidth(width)
        .decay(DecaySchedule.slopes(heads, layer, layers))
        .rotation(Rotation.FLA.channels(width / 2))
        .featureMap(Activation.SILU)
        .valueMap(Activation.SILU)
        .queryKeyNorm(true)
        .norm(HeadNorm.RMS.groups(heads / 2).weight(HeadNorm.Weight.PER_CHANNEL))
        .gate(Activation.SIGMOID)
        .build();
  }

  /**
   * Returns a builder that starts from the fla conventions.
   *
   * @param modelWidth D
   * @param heads H
   */
  public static RetentionConfigBuilder builder(int modelWidth, int heads) {
    return new RetentionConfigBuilder(modelWidth, heads);
  }

  /** Returns a builder that starts from this configuration. */
  public RetentionConfigBuilder toBuilder() {
    return new RetentionConfigBuilder(from);
  }

  /** Returns D. */
  public int modelWidth() {
    return from.modelWidth;
  }

  /** Returns whether keys and values are made from a second stream, x_kv. */
  public boolean twoStreams() {
    return from.keyValueInput > 0;
  }

  /** Returns D_kv, the width of what keys and values are made from: D with one stream. */
  public int keyValueInput() {
    return twoStreams() ? from.keyValueInput : from.modelWidth;
  }

  /** Returns H. */
  public int heads() {
    return from.heads;
  }

  /** Returns H_kv, which divides H. */
  public int kvHeads() {
    return from.kvHeads;
  }

  /** Returns K per head. */
  public int keyWidth() {
    return from.keyWidth;
  }

  /** Returns V per head. */
  public int valueWidth() {
    return from.valueWidth;
  }

  /** Returns γ_h of the heads. */
  public DecaySchedule decay() {
    return from.decay;
  }

  /** Returns the rotation of queries and keys. */
  public Rotation rotation() {
    return from.rotation;
  }

  /** Returns the projections that have a bias. */
  public Set<Projection> biases() {
    return Collections.unmodifiableSet(from.biases);
  }

  /** Returns φ of queries and keys: NONE, RELU or SILU. */
  public Activation featureMap() {
    return from.featureMap;
  }

  /** Returns φ_v of values: NONE, RELU or SILU. */
  public Activation valueMap() {
    return from.valueMap;
  }

  /** Returns whether queries and keys go through an RMSNorm over K with weights (K). */
  public boolean queryKeyNorm() {
    return from.queryKeyNorm;
  }

  /** Returns the norm of the outputs. */
  public HeadNorm norm() {
    return from.norm;
  }

  /** Returns eps of all norms of the block. */
  public double normEps() {
    return from.normEps;
  }

  /** Returns a of the gate: SILU, SIGMOID, or NONE where there is no gate. */
  public Activation gate() {
    return from.gate;
  }

  /** Returns whether there is a gate. */
  public boolean gated() {
    return from.gate != Activation.NONE;
  }

  /** Returns whether K^(−1/2) multiplies the keys (torchscale) instead of the score (fla). */
  public boolean scaleKeys() {
    return from.scaleKeys;
  }

  /** Returns whether the core output at position p is divided by √(Σ_(i≤p) γ^i) (torchscale). */
  public boolean normaliseOutput() {
    return from.normaliseOutput;
  }

  /** Returns K^(−1/2). */
  public double scale() {
    return 1 / Math.sqrt(keyWidth());
  }

  /** Returns the factor between q S and o: K^(−1/2), or 1 when the keys carry it. */
  public double outputScale() {
    return scaleKeys() ? 1 : scale();
  }

  /** Returns what the numbers in a state of this block mean. */
  public StateConvention stateConvention() {
    return new StateConvention(scaleKeys(), rotation(), Optional.of(decay().logDecay()));
  }

  /** Returns G, the groups of the head norm. */
  public int normGroups() {
    return norm().groupsOf(heads());
  }

  /**
   * Returns the weights of the block in the order in which they are drawn and written: W_Q (H·K,
   * D), W_K (H_kv·K, D_kv), W_V (H_kv·V, D_kv), W_G (H·V, D) with a gate, W_O (D, H·V), the head
   * norm's (H·V/G) or (H·V) where it has one, its bias (H·V), the weights (K) of the q/k norm, and
   * the biases of the projections that have one.
   */
  public List<WeightSpec> weights() {
    List<WeightSpec> all = new ArrayList<>();
    for (Projection projection : Projection.values()) {
      if (projection != Projection.GATE || gated()) {
        String name = projection.name().toLowerCase(Locale.ROOT);
        all.add(WeightSpec.matrix(name, outputs(projection), inputs(projection)));
      }
    }
    long channels = outputs(Projection.GATE);
    switch (norm().weight()) {
      case NONE -> {}
      case SHARED -> all.add(WeightSpec.norm(HEAD_NORM, channels / normGroups()));
      case PER_CHANNEL -> all.add(WeightSpec.norm(HEAD_NORM, channels));
    }
    if (norm().bias()) {
      all.add(WeightSpec.bias(HEAD_NORM_BIAS, channels));
    }
    if (queryKeyNorm()) {
      all.add(WeightSpec.norm(QUERY_NORM, keyWidth()));
      all.add(WeightSpec.norm(KEY_NORM, keyWidth()));
    }
    for (Projection projection : biases()) {
      all.add(WeightSpec.bias(projection.biasName(), outputs(projection)));
    }
    return all;
  }

  private long outputs(Projection projection) {
    return switch (projection) {
      case QUERY -> (long) heads() * keyWidth();
      case KEY -> (long) kvHeads() * keyWidth();
      case VALUE -> (long) kvHeads() * valueWidth();
      case GATE -> (long) heads() * valueWidth();
      case OUTPUT -> modelWidth();
    };
  }

  private long inputs(Projection projection) {
    return switch (projection) {
      case QUERY, GATE -> modelWidth();
      case KEY, VALUE -> keyValueInput();
      case OUTPUT -> (long) heads() * valueWidth();
    };
  }

  /** Returns the number of weights of the block, those of norms and biases included. */
  public long parameters() {
    return weights().stream().mapToLong(WeightSpec::elements).sum();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RetentionConfig config && from.parts().equals(config.from.parts());
  }

  @Override
  public int hashCode() {
    return from.parts().hashCode();
  }

  /** Returns all options, in the order of the builder. */
  @Override
  public String toString() {
    return "RetentionConfig" + from.parts();
  }
}
