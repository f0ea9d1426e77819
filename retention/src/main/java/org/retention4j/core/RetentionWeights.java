package org.retention4j.core;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * The weights of a block, packed once for an engine and shared by every form, state and thread. The
 * packed form is the only copy; {@link #unpack()} gives back its exact values.
 *
 * @since 0.1
 */
public final class RetentionWeights implements AutoCloseable {
  private static final double[] NONE = {};

  private final Engine engine;
  private final RetentionConfig config;
  private final NamedWeights weights;

  private RetentionWeights(RetentionConfig config, WeightSource source) {
    engine = source.engine();
    this.config = config;
    weights = NamedWeights.take(config.weights(), source);
  }

  /**
   * Takes the weights that a configuration asks for and closes them when it is closed.
   *
   * @throws IllegalArgumentException if a weight does not fit the configuration
   */
  public static RetentionWeights of(RetentionConfig config, WeightSource source) {
    Args.present("config", config);
    Args.present("source", source);
    return new RetentionWeights(config, source);
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
    Args.present("engine", engine);
    Args.present("config", config);
    Args.present("parameters", parameters);
    Args.present("type", type);
    parameters.checkAgainst(config);
    return of(config, parameters.source(engine, type));
  }

  /** Packs seeded random weights, see {@link RetentionParameters#random}. */
  public static RetentionWeights random(
      Engine engine, RetentionConfig config, WeightType type, long seed) {
    Args.present("engine", engine);
    Args.present("type", type);
    return of(config, WeightSource.random(engine, type, seed));
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
    return query().type();
  }

  /** Returns the weights by the names of {@link RetentionConfig#weights}; they stay these'. */
  public NamedWeights named() {
    return weights;
  }

  /** Returns the bytes held. */
  public long bytes() {
    return weights.bytes();
  }

  /**
   * Returns the values as new arrays, exact to the bit.
   *
   * @throws IllegalStateException after close
   */
  public RetentionParameters unpack() {
    Map<String, double[]> vectors = new LinkedHashMap<>();
    for (WeightSpec weight : config.weights()) {
      if (!weight.isMatrix()) {
        vectors.put(weight.name(), vector(weight.name()).clone());
      }
    }
    return new RetentionParameters(
        array(query()),
        array(key()),
        array(value()),
        config.gated() ? Optional.of(array(gate())) : Optional.empty(),
        array(output()),
        vectors);
  }

  private INDArray array(PackedMatrix matrix) {
    return engine().toArray(matrix.unpack());
  }

  /**
   * Checks that the weights can be used.
   *
   * @throws IllegalStateException after close
   */
  void requireOpen() {
    if (query().closed()) {
      throw new IllegalStateException("these retention weights are closed");
    }
  }

  PackedMatrix query() {
    return weights.matrix(RetentionConfig.QUERY);
  }

  PackedMatrix key() {
    return weights.matrix(RetentionConfig.KEY);
  }

  PackedMatrix value() {
    return weights.matrix(RetentionConfig.VALUE);
  }

  /** Returns W_G of a configuration with a gate. */
  PackedMatrix gate() {
    return weights.matrix(RetentionConfig.GATE);
  }

  PackedMatrix output() {
    return weights.matrix(RetentionConfig.OUTPUT);
  }

  /** Returns a vector by its name, empty where there is none; not to be changed. */
  double[] vector(String name) {
    return weights.has(name) ? weights.vector(name) : NONE;
  }

  /** Returns the bias of a projection, empty for none; not to be changed. */
  double[] bias(RetentionConfig.Projection projection) {
    return vector(projection.biasName());
  }

  /** Frees the weights once no step is running; closing twice does no harm. */
  @Override
  public void close() {
    weights.close();
  }
}
