package org.retention4j.core;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.retention4j.args.Args;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.engine.ops.Activation;

/**
 * Collects a {@link RetentionConfig}, from fla's conventions on.
 *
 * @since 0.1
 */
public final class RetentionConfigBuilder {
  private static final Set<Activation> MAPS =
      EnumSet.of(Activation.NONE, Activation.RELU, Activation.SILU);
  private static final Set<Activation> GATES =
      EnumSet.of(Activation.NONE, Activation.SILU, Activation.SIGMOID);

  final int modelWidth;
  final int heads;
  int keyValueInput;
  int kvHeads;
  int keyWidth;
  int valueWidth;
  DecaySchedule decay;
  Rotation rotation = Rotation.FLA;
  Set<Projection> biases = EnumSet.noneOf(Projection.class);
  Activation featureMap = Activation.NONE;
  Activation valueMap = Activation.NONE;
  boolean queryKeyNorm;
  HeadNorm norm = HeadNorm.RMS;
  double normEps = 1e-6;
  Activation gate = Activation.SILU;
  boolean scaleKeys;
  boolean normaliseOutput;

  RetentionConfigBuilder(int modelWidth, int heads) {
    positive("modelWidth", modelWidth);
    positive("heads", heads);
    this.modelWidth = modelWidth;
    this.heads = heads;
  }

  RetentionConfigBuilder(RetentionConfigBuilder from) {
    modelWidth = from.modelWidth;
    heads = from.heads;
    keyValueInput = from.keyValueInput;
    kvHeads = from.kvHeads;
    keyWidth = from.keyWidth;
    valueWidth = from.valueWidth;
    decay = from.decay;
    rotation = from.rotation;
    biases = EnumSet.copyOf(from.biases);
    featureMap = from.featureMap;
    valueMap = from.valueMap;
    queryKeyNorm = from.queryKeyNorm;
    norm = from.norm;
    normEps = from.normEps;
    gate = from.gate;
    scaleKeys = from.scaleKeys;
    normaliseOutput = from.normaliseOutput;
  }

  /**
   * Makes keys and values from a second stream x_kv of its own width, {@link
   * BlockInput#withKeyValues}; by default there is one stream.
   *
   * @param width D_kv
   */
  public RetentionConfigBuilder keyValueInput(int width) {
    positive("keyValueInput", width);
    keyValueInput = width;
    return this;
  }

  /** Sets H_kv, which divides H; default H. */
  public RetentionConfigBuilder kvHeads(int value) {
    positive("kvHeads", value);
    kvHeads = value;
    return this;
  }

  /** Sets K; default D/H. */
  public RetentionConfigBuilder keyWidth(int value) {
    positive("keyWidth", value);
    keyWidth = value;
    return this;
  }

  /** Sets V; default 2D/H. */
  public RetentionConfigBuilder valueWidth(int value) {
    positive("valueWidth", value);
    valueWidth = value;
    return this;
  }

  /** Sets the decays; default pow2. */
  public RetentionConfigBuilder decay(DecaySchedule value) {
    Args.present("decay", value);
    decay = value;
    return this;
  }

  /** Sets the rotation; default {@link Rotation#FLA}. */
  public RetentionConfigBuilder rotation(Rotation value) {
    Args.present("rotation", value);
    rotation = value;
    return this;
  }

  /** Sets the projections that have a bias; default none. */
  public RetentionConfigBuilder biases(Projection... values) {
    Args.present("biases", values);
    for (Projection value : values) {
      Args.present("bias", value);
    }
    biases = EnumSet.noneOf(Projection.class);
    biases.addAll(Arrays.asList(values));
    return this;
  }

  /** Sets φ of queries and keys: NONE, RELU or SILU; default NONE. */
  public RetentionConfigBuilder featureMap(Activation value) {
    featureMap = among("featureMap", value, MAPS);
    return this;
  }

  /** Sets φ_v of values: NONE, RELU or SILU; default NONE. */
  public RetentionConfigBuilder valueMap(Activation value) {
    valueMap = among("valueMap", value, MAPS);
    return this;
  }

  /** Sets whether queries and keys go through an RMSNorm over K, each with a weight; default no. */
  public RetentionConfigBuilder queryKeyNorm(boolean value) {
    queryKeyNorm = value;
    return this;
  }

  /** Sets the norm of the outputs; default {@link HeadNorm#RMS}. */
  public RetentionConfigBuilder norm(HeadNorm value) {
    Args.present("norm", value);
    norm = value;
    return this;
  }

  /** Sets eps of all norms of the block; default 1e-6. */
  public RetentionConfigBuilder normEps(double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException("expected a finite normEps >= 0, got " + value);
    }
    normEps = value;
    return this;
  }

  /** Sets a of the gate: SILU or SIGMOID, or NONE for no gate; default SILU. */
  public RetentionConfigBuilder gate(Activation value) {
    gate = among("gate", value, GATES);
    return this;
  }

  /** Sets whether K^(−1/2) multiplies the keys; default false. */
  public RetentionConfigBuilder scaleKeys(boolean value) {
    scaleKeys = value;
    return this;
  }

  /** Sets whether outputs are divided by √s_p; default false. */
  public RetentionConfigBuilder normaliseOutput(boolean value) {
    normaliseOutput = value;
    return this;
  }

  /**
   * Returns the configuration.
   *
   * @throws IllegalArgumentException if H does not divide D and K or V was not set, or parts do not
   *     fit: which, what was expected, and what came
   */
  public RetentionConfig build() {
    RetentionConfigBuilder settled = new RetentionConfigBuilder(this);
    settled.settle();
    settled.check();
    return new RetentionConfig(settled);
  }

  private void settle() {
    if ((keyWidth == 0 || valueWidth == 0) && modelWidth % heads != 0) {
      throw new IllegalArgumentException(
          "expected heads to divide modelWidth = " + modelWidth + ", got " + heads);
    }
    int width = modelWidth / heads;
    kvHeads = kvHeads == 0 ? heads : kvHeads;
    keyWidth = keyWidth == 0 ? width : keyWidth;
    if (valueWidth == 0 && width > Integer.MAX_VALUE / 2) {
      throw new IllegalArgumentException(
          "expected valueWidth to be set, as 2D/H is more than 2^31 - 1, got none");
    }
    valueWidth = valueWidth == 0 ? 2 * width : valueWidth;
    decay = decay == null ? DecaySchedule.pow2(heads) : decay;
    if (norm.groups() == heads) {
      norm = norm.groups(HeadNorm.ONE_PER_HEAD);
    }
    if (rotation.channels() == keyWidth) {
      rotation = new Rotation(rotation.layout(), rotation.schedule(), rotation.base());
    }
  }

  private void check() {
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "expected kvHeads to divide heads = " + heads + ", got " + kvHeads);
    }
    if (decay.heads() != heads) {
      throw new IllegalArgumentException(
          "expected a decay schedule for " + heads + " heads, got one for " + decay.heads());
    }
    rotation.check(keyWidth);
    long channels = (long) heads * valueWidth;
    if (channels % norm.groupsOf(heads) != 0) {
      throw new IllegalArgumentException(
          "expected groups of the head norm that divide the "
              + channels
              + " channels H·V, got "
              + norm.groups());
    }
    if (biases.contains(Projection.GATE) && gate == Activation.NONE) {
      throw new IllegalArgumentException("expected no gate bias without a gate, got one");
    }
  }

  private static Activation among(String name, Activation value, Set<Activation> allowed) {
    Args.present(name, value);
    if (!allowed.contains(value)) {
      throw new IllegalArgumentException(
          "expected " + name + " to be one of " + allowed + ", got " + value);
    }
    return value;
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("expected " + name + " >= 1, got " + value);
    }
  }

  /** Returns all options by name, of which two configurations are equal. */
  Map<String, Object> parts() {
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("modelWidth", modelWidth);
    parts.put("keyValueInput", keyValueInput == 0 ? "x" : keyValueInput);
    parts.put("heads", heads);
    parts.put("kvHeads", kvHeads);
    parts.put("keyWidth", keyWidth);
    parts.put("valueWidth", valueWidth);
    parts.put("decay", decay);
    parts.put("rotation", rotation);
    parts.put("biases", biases);
    parts.put("featureMap", featureMap);
    parts.put("valueMap", valueMap);
    parts.put("queryKeyNorm", queryKeyNorm);
    parts.put("norm", norm);
    parts.put("normEps", normEps);
    parts.put("gate", gate);
    parts.put("scaleKeys", scaleKeys);
    parts.put("normaliseOutput", normaliseOutput);
    return parts;
  }
}
