package org.retention4j.core;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.Engine;
import org.retention4j.engine.PackedMatrix;
import org.retention4j.engine.WeightType;

/**
 * The weights of a block, packed once for an engine and shared by every form, state and thread. The
 * packed form is the only copy; {@link #unpack()} gives back its exact values.
 */
public final class RetentionWeights implements AutoCloseable {
  private final Engine engine;
  private final RetentionConfig config;
  private final WeightType type;
  private final PackedMatrix query;
  private final PackedMatrix key;
  private final PackedMatrix value;
  private final PackedMatrix gate;
  private final PackedMatrix output;
  private final double[] headNorm;

  private RetentionWeights(
      Engine engine, RetentionConfig config, RetentionParameters from, WeightType type) {
    this.engine = engine;
    this.config = config;
    this.type = type;
    query = pack(engine, from.query(), type);
    key = pack(engine, from.key(), type);
    value = pack(engine, from.value(), type);
    gate = from.gate() == null ? null : pack(engine, from.gate(), type);
    output = pack(engine, from.output(), type);
    headNorm = from.headNorm() == null ? null : from.headNorm().clone();
  }

  private RetentionWeights(
      Engine engine,
      RetentionConfig config,
      PackedMatrix query,
      PackedMatrix key,
      PackedMatrix value,
      PackedMatrix gate,
      PackedMatrix output,
      double[] headNorm) {
    this.engine = engine;
    this.config = config;
    type = query.type();
    this.query = query;
    this.key = key;
    this.value = value;
    this.gate = gate;
    this.output = output;
    this.headNorm = headNorm == null ? null : headNorm.clone();
  }

  /**
   * Takes over packed matrices and closes them when it is closed; for readers of checkpoints.
   *
   * @param query W_Q (H·K, D)
   * @param key W_K (H_kv·K, D)
   * @param value W_V (H_kv·V, D)
   * @param gate W_G (H·V, D), null without gate
   * @param output W_O (D, H·V)
   * @param headNorm (V), null without a head norm weight
   * @throws IllegalArgumentException if a matrix does not fit the configuration
   */
  public static RetentionWeights of(
      Engine engine,
      RetentionConfig config,
      PackedMatrix query,
      PackedMatrix key,
      PackedMatrix value,
      PackedMatrix gate,
      PackedMatrix output,
      double[] headNorm) {
    long d = config.modelWidth();
    long values = (long) config.heads() * config.valueWidth();
    check("query", query, (long) config.heads() * config.keyWidth(), d);
    check("key", key, (long) config.kvHeads() * config.keyWidth(), d);
    check("value", value, (long) config.kvHeads() * config.valueWidth(), d);
    if (config.gate()) {
      check("gate", gate, values, d);
    }
    check("output", output, d, values);
    return new RetentionWeights(engine, config, query, key, value, gate, output, headNorm);
  }

  private static void check(String name, PackedMatrix w, long outputs, long inputs) {
    if (w == null || w.outputs() != outputs || w.inputs() != inputs) {
      String got = w == null ? "none" : "[" + w.outputs() + ", " + w.inputs() + "]";
      throw new IllegalArgumentException(
          String.format(
              "expected %s weights of shape [%d, %d], got %s", name, outputs, inputs, got));
    }
  }

  private static PackedMatrix pack(Engine engine, INDArray source, WeightType type) {
    boolean direct = source.dataType() != DataType.BFLOAT16;
    return engine.pack(direct ? source : source.castTo(DataType.FLOAT), type);
  }

  /**
   * Packs weights; the arrays are not retained.
   *
   * @param type FLOAT32, or BFLOAT16 (values are rounded to nearest, ties to even); in the float64
   *     engine also FLOAT64
   * @throws IllegalArgumentException if a weight does not fit the configuration
   */
  public static RetentionWeights pack(
      Engine engine, RetentionConfig config, RetentionParameters parameters, WeightType type) {
    parameters.checkAgainst(config);
    return new RetentionWeights(engine, config, parameters, type);
  }

  /** Packs seeded random weights, see {@link RetentionParameters#random}. */
  public static RetentionWeights random(
      Engine engine, RetentionConfig config, WeightType type, long seed) {
    return pack(engine, config, RetentionParameters.random(config, seed), type);
  }

  /** Returns the engine these weights were packed for. */
  public Engine engine() {
    return engine;
  }

  /** Returns the configuration. */
  public RetentionConfig config() {
    return config;
  }

  /** Returns the type in which the weights are stored. */
  public WeightType type() {
    return type;
  }

  /** Returns the bytes held. */
  public long bytes() {
    long bytes = query.bytes() + key.bytes() + value.bytes() + output.bytes();
    return gate == null ? bytes : bytes + gate.bytes();
  }

  /**
   * Returns the values as new arrays, exact to the bit.
   *
   * @throws IllegalStateException after close
   */
  public RetentionParameters unpack() {
    return new RetentionParameters(
        query.unpack(),
        key.unpack(),
        value.unpack(),
        gate == null ? null : gate.unpack(),
        output.unpack(),
        headNorm == null ? null : headNorm.clone());
  }

  /**
   * Checks that the weights can be used.
   *
   * @throws IllegalStateException after close
   */
  void requireOpen() {
    if (query.closed()) {
      throw new IllegalStateException("these retention weights are closed");
    }
  }

  /** Returns W (H·K, D) of the query, which stays these weights'. */
  public PackedMatrix query() {
    return query;
  }

  /** Returns W (H_kv·K, D) of the key, which stays these weights'. */
  public PackedMatrix key() {
    return key;
  }

  /** Returns W (H_kv·V, D) of the value, which stays these weights'. */
  public PackedMatrix value() {
    return value;
  }

  /** Returns the gate's weights, or null. */
  public PackedMatrix gate() {
    return gate;
  }

  /** Returns W (D, H·V) of the output, which stays these weights'. */
  public PackedMatrix output() {
    return output;
  }

  /** Returns the head norm's weight, or null; not to be changed. */
  public double[] headNorm() {
    return headNorm;
  }

  /** Frees the weights once no step is running; closing twice does no harm. */
  @Override
  public void close() {
    query.close();
    key.close();
    value.close();
    if (gate != null) {
      gate.close();
    }
    output.close();
  }
}
