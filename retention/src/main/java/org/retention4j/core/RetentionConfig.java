package org.retention4j.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.WeightSpec;

/**
 * The shape and conventions of one multi-scale retention block (arXiv 2307.08621, §2.2).
 *
 * @param modelWidth D
 * @param heads H
 * @param kvHeads H_kv, divides H
 * @param keyWidth K per head
 * @param valueWidth V per head
 * @param decay γ_h of the heads
 * @param rotation of queries and keys
 * @param headNormWeight whether the head norm has a weight (V), shared by the heads
 * @param normEps eps of the head norm
 * @param featureMap of queries and keys before the rotation: NONE or RELU
 * @param gate whether silu(x W_G) multiplies the normed output
 * @param scaleKeys whether K^(−1/2) multiplies the keys (torchscale) instead of the score (fla)
 * @param normaliseOutput whether the core output at position p is divided by √(Σ_(i≤p) γ^i)
 *     (torchscale)
 * @since 0.1
 */
public record RetentionConfig(
    int modelWidth,
    int heads,
    int kvHeads,
    int keyWidth,
    int valueWidth,
    DecaySchedule decay,
    Rotation rotation,
    boolean headNormWeight,
    double normEps,
    Activation featureMap,
    boolean gate,
    boolean scaleKeys,
    boolean normaliseOutput) {
  static final String QUERY = "query";
  static final String KEY = "key";
  static final String VALUE = "value";
  static final String GATE = "gate";
  static final String OUTPUT = "output";
  static final String HEAD_NORM = "head norm";

  /** Checks that the parts fit together. */
  public RetentionConfig {
    positive("modelWidth", modelWidth);
    positive("heads", heads);
    positive("kvHeads", kvHeads);
    positive("keyWidth", keyWidth);
    positive("valueWidth", valueWidth);
    Args.present("decay", decay);
    Args.present("rotation", rotation);
    Args.present("featureMap", featureMap);
    if (featureMap != Activation.NONE && featureMap != Activation.RELU) {
      throw new IllegalArgumentException(
          "expected the feature map NONE or RELU, got " + featureMap);
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "expected kvHeads to divide heads = " + heads + ", got " + kvHeads);
    }
    if (decay.heads() != heads) {
      throw new IllegalArgumentException(
          "expected a decay schedule for " + heads + " heads, got one for " + decay.heads());
    }
    if (rotation.active() && keyWidth % 2 != 0) {
      throw new IllegalArgumentException(
          "expected an even key width K for rotation, got " + keyWidth);
    }
    if (!(normEps >= 0) || Double.isInfinite(normEps)) {
      throw new IllegalArgumentException("expected a finite normEps >= 0, got " + normEps);
    }
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("expected " + name + " >= 1, got " + value);
    }
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
        .headNormWeight(false)
        .scaleKeys(true)
        .normaliseOutput(true)
        .build();
  }

  /** Returns a builder that starts from the fla conventions. */
  public static Builder builder(int modelWidth, int heads) {
    return new Builder(modelWidth, heads);
  }

  /** Returns K^(−1/2). */
  public double scale() {
    return 1 / Math.sqrt(keyWidth);
  }

  /** Returns the factor between q S and o: K^(−1/2), or 1 when the keys carry it. */
  public double outputScale() {
    return scaleKeys ? 1 : scale();
  }

  /** Returns what the numbers in a state of this block mean. */
  public StateConvention stateConvention() {
    return new StateConvention(scaleKeys, rotation, Optional.of(decay.logDecay()));
  }

  /**
   * Returns the weights of the block in the order in which they are drawn and written: W_Q (H·K,
   * D), W_K (H_kv·K, D), W_V (H_kv·V, D), W_G (H·V, D) with a gate, W_O (D, H·V), and the head
   * norm's (V) where it has one.
   */
  public List<WeightSpec> weights() {
    long d = modelWidth;
    long values = (long) heads * valueWidth;
    List<WeightSpec> all = new ArrayList<>();
    all.add(WeightSpec.matrix(QUERY, (long) heads * keyWidth, d));
    all.add(WeightSpec.matrix(KEY, (long) kvHeads * keyWidth, d));
    all.add(WeightSpec.matrix(VALUE, (long) kvHeads * valueWidth, d));
    if (gate) {
      all.add(WeightSpec.matrix(GATE, values, d));
    }
    all.add(WeightSpec.matrix(OUTPUT, d, values));
    if (headNormWeight) {
      all.add(WeightSpec.norm(HEAD_NORM, valueWidth));
    }
    return all;
  }

  /** Returns the number of weights of the block, the head norm's included. */
  public long parameters() {
    return weights().stream().mapToLong(WeightSpec::elements).sum();
  }

  /** Collects a configuration; see the record's components for their meaning. */
  public static final class Builder {
    private final int modelWidth;
    private final int heads;
    private int kvHeads;
    private int keyWidth;
    private int valueWidth;
    private DecaySchedule decay;
    private Rotation rotation = Rotation.FLA;
    private boolean headNormWeight = true;
    private double normEps = 1e-6;
    private Activation featureMap = Activation.NONE;
    private boolean gate = true;
    private boolean scaleKeys;
    private boolean normaliseOutput;

    private Builder(int modelWidth, int heads) {
      positive("modelWidth", modelWidth);
      positive("heads", heads);
      this.modelWidth = modelWidth;
      this.heads = heads;
    }

    /** Sets H_kv; default H. */
    public Builder kvHeads(int value) {
      positive("kvHeads", value);
      kvHeads = value;
      return this;
    }

    /** Sets K; default D/H. */
    public Builder keyWidth(int value) {
      positive("keyWidth", value);
      keyWidth = value;
      return this;
    }

    /** Sets V; default 2D/H. */
    public Builder valueWidth(int value) {
      positive("valueWidth", value);
      valueWidth = value;
      return this;
    }

    /** Sets the decays; default pow2. */
    public Builder decay(DecaySchedule value) {
      Args.present("decay", value);
      decay = value;
      return this;
    }

    /** Sets the rotation; default {@link Rotation#FLA}. */
    public Builder rotation(Rotation value) {
      rotation = value;
      return this;
    }

    /** Sets whether the head norm has a weight; default true. */
    public Builder headNormWeight(boolean value) {
      headNormWeight = value;
      return this;
    }

    /** Sets eps of the head norm; default 1e-6. */
    public Builder normEps(double value) {
      normEps = value;
      return this;
    }

    /** Sets the feature map of queries and keys, NONE or RELU; default NONE. */
    public Builder featureMap(Activation value) {
      featureMap = value;
      return this;
    }

    /** Sets whether there is a gate; default true. */
    public Builder gate(boolean value) {
      gate = value;
      return this;
    }

    /** Sets whether K^(−1/2) multiplies the keys; default false. */
    public Builder scaleKeys(boolean value) {
      scaleKeys = value;
      return this;
    }

    /** Sets whether outputs are divided by √s_p; default false. */
    public Builder normaliseOutput(boolean value) {
      normaliseOutput = value;
      return this;
    }

    /**
     * Returns the configuration.
     *
     * @throws IllegalArgumentException if H does not divide D and K or V was not set, or parts do
     *     not fit
     */
    public RetentionConfig build() {
      if ((keyWidth == 0 || valueWidth == 0) && modelWidth % heads != 0) {
        throw new IllegalArgumentException(
            "expected heads to divide modelWidth = " + modelWidth + ", got " + heads);
      }
      return new RetentionConfig(
          modelWidth,
          heads,
          kvHeads == 0 ? heads : kvHeads,
          keyWidth == 0 ? modelWidth / heads : keyWidth,
          valueWidth == 0 ? Math.multiplyExact(2, modelWidth / heads) : valueWidth,
          decay == null ? DecaySchedule.pow2(heads) : decay,
          rotation,
          headNormWeight,
          normEps,
          featureMap,
          gate,
          scaleKeys,
          normaliseOutput);
    }
  }
}
