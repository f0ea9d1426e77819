package org.retention4j.core;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.Init;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * The weights of a block as plain arrays, in the layout of the checkpoints: (out,in).
 *
 * @param query W_Q (H·K, D)
 * @param key W_K (H_kv·K, D_kv)
 * @param value W_V (H_kv·V, D_kv)
 * @param gate W_G (H·V, D), empty without gate
 * @param output W_O (D, H·V)
 * @param vectors weights of norms and biases by the names that {@link RetentionConfig#weights}
 *     gives them; empty where the configuration asks for none
 * @since 0.1
 */
public record RetentionParameters(
    INDArray query,
    INDArray key,
    INDArray value,
    Optional<INDArray> gate,
    INDArray output,
    Map<String, double[]> vectors) {

  /**
   * Returns seeded random fp32 weights, uniform with variance 1/in, norm weights near 1 and biases
   * in [−0.5, 0.5). The same seed gives the same weights on every platform.
   */
  public static RetentionParameters random(RetentionConfig config, long seed) {
    Args.present("config", config);
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, INDArray> matrices = new HashMap<>();
    Map<String, double[]> vectors = new LinkedHashMap<>();
    for (WeightSpec weight : config.weights()) {
      int rows = Math.toIntExact(weight.rows());
      switch (weight.kind()) {
        case MATRIX -> {
          MatrixSource matrix = Init.uniform(random, rows, Math.toIntExact(weight.columns()));
          matrices.put(weight.name(), NdArrays.toArray(ElementType.FLOAT32, matrix));
        }
        case NORM -> vectors.put(weight.name(), Init.norm(random, rows));
        case BIAS -> vectors.put(weight.name(), Init.bias(random, rows));
      }
    }
    return new RetentionParameters(
        matrices.get(RetentionConfig.QUERY),
        matrices.get(RetentionConfig.KEY),
        matrices.get(RetentionConfig.VALUE),
        Optional.ofNullable(matrices.get(RetentionConfig.GATE)),
        matrices.get(RetentionConfig.OUTPUT),
        vectors);
  }

  /** Returns a vector by the name that the configuration gives it, if there is one. */
  public Optional<double[]> vector(String name) {
    return Optional.ofNullable(vectors.get(name));
  }

  /** Returns the bias of a projection, if there is one. */
  public Optional<double[]> bias(RetentionConfig.Projection projection) {
    return vector(projection.biasName());
  }

  /** Returns these with another vector in the place of one, or added. */
  public RetentionParameters with(String name, double[] vector) {
    Map<String, double[]> other = new LinkedHashMap<>(vectors);
    other.put(name, vector);
    return new RetentionParameters(query, key, value, gate, output, other);
  }

  /** Returns a matrix by the name that the configuration gives it. */
  private INDArray matrix(String name) {
    return switch (name) {
      case RetentionConfig.QUERY -> query;
      case RetentionConfig.KEY -> key;
      case RetentionConfig.VALUE -> value;
      case RetentionConfig.GATE -> gate.orElse(null);
      case RetentionConfig.OUTPUT -> output;
      default -> throw new IllegalArgumentException("expected a matrix of a block, got " + name);
    };
  }

  /** Returns these as what is to be packed; they are kept alive. */
  WeightSource source(Engine engine, WeightType type) {
    return new WeightSource() {
      @Override
      public Engine engine() {
        return engine;
      }

      @Override
      public PackedMatrix matrix(WeightSpec weight) {
        INDArray array = RetentionParameters.this.matrix(weight.name());
        boolean direct = array.dataType() != DataType.BFLOAT16;
        return engine.pack(direct ? array : array.castTo(DataType.FLOAT), type);
      }

      @Override
      public double[] vector(WeightSpec weight) {
        return vectors.get(weight.name()).clone();
      }
    };
  }

  /**
   * Checks shapes and types against a configuration.
   *
   * @throws IllegalArgumentException naming the first weight that is missing, extra or misshapen
   */
  public void checkAgainst(RetentionConfig config) {
    Args.present("gate weights", gate);
    Args.present("vectors", vectors);
    if (!config.gated() && gate.isPresent()) {
      throw new IllegalArgumentException(
          "expected no gate weights without a gate, got " + Arrays.toString(gate.get().shape()));
    }
    Set<String> unknown = new TreeSet<>(vectors.keySet());
    for (WeightSpec weight : config.weights()) {
      unknown.remove(weight.name());
      if (weight.isMatrix()) {
        check(weight, matrix(weight.name()));
      } else {
        weight.check(vectors.get(weight.name()));
      }
    }
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "expected no weights that the configuration does not ask for, got " + unknown);
    }
  }

  private static void check(WeightSpec weight, INDArray array) {
    weight.checkShape(array == null ? null : array.shape());
    DataType type = array.dataType();
    if (type != DataType.FLOAT && type != DataType.DOUBLE && type != DataType.BFLOAT16) {
      throw new IllegalArgumentException(
          "expected " + weight.name() + " weights of type FLOAT, DOUBLE or BFLOAT16, got " + type);
    }
  }

  /**
   * Checks that every weight is finite.
   *
   * @throws IllegalArgumentException naming the first matrix that holds a NaN or an infinity
   */
  public void checkFinite() {
    checkFinite("query", query);
    checkFinite("key", key);
    checkFinite("value", value);
    gate.ifPresent(array -> checkFinite("gate", array));
    checkFinite("output", output);
    vectors.forEach(RetentionParameters::checkFinite);
  }

  private static void checkFinite(String name, double[] vector) {
    for (int i = 0; i < vector.length; i++) {
      if (!Double.isFinite(vector[i])) {
        throw new IllegalArgumentException(
            "expected finite " + name + " weights, got " + vector[i] + " at " + i);
      }
    }
  }

  private static void checkFinite(String name, INDArray array) {
    double[] values = array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        long columns = array.size(1);
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected finite %s weights, got %s at (%d,%d)",
                name,
                values[i],
                i / columns,
                i % columns));
      }
    }
  }
}
