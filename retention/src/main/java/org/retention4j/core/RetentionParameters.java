package org.retention4j.core;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
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
 * @param key W_K (H_kv·K, D)
 * @param value W_V (H_kv·V, D)
 * @param gate W_G (H·V, D), empty without gate
 * @param output W_O (D, H·V)
 * @param headNorm (V), empty without a head norm weight
 * @since 0.1
 */
public record RetentionParameters(
    INDArray query,
    INDArray key,
    INDArray value,
    Optional<INDArray> gate,
    INDArray output,
    Optional<double[]> headNorm) {

  /**
   * Returns seeded random fp32 weights, uniform with variance 1/in, and a head norm near 1. The
   * same seed gives the same weights on every platform.
   */
  public static RetentionParameters random(RetentionConfig config, long seed) {
    Args.present("config", config);
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, INDArray> matrices = new HashMap<>();
    double[] headNorm = null;
    for (WeightSpec weight : config.weights()) {
      int rows = Math.toIntExact(weight.rows());
      if (weight.isMatrix()) {
        MatrixSource matrix = Init.uniform(random, rows, Math.toIntExact(weight.columns()));
        matrices.put(weight.name(), NdArrays.toArray(ElementType.FLOAT32, matrix));
      } else {
        headNorm = Init.norm(random, rows);
      }
    }
    return new RetentionParameters(
        matrices.get(RetentionConfig.QUERY),
        matrices.get(RetentionConfig.KEY),
        matrices.get(RetentionConfig.VALUE),
        Optional.ofNullable(matrices.get(RetentionConfig.GATE)),
        matrices.get(RetentionConfig.OUTPUT),
        Optional.ofNullable(headNorm));
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
        return headNorm.orElseThrow().clone();
      }
    };
  }

  /**
   * Checks shapes and types against a configuration.
   *
   * @throws IllegalArgumentException naming the first weight that is missing, extra or misshapen
   */
  public void checkAgainst(RetentionConfig config) {
    if (!config.gate() && gate.isPresent()) {
      throw new IllegalArgumentException(
          "expected no gate weights without a gate, got " + Arrays.toString(gate.get().shape()));
    }
    if (!config.headNormWeight() && headNorm.isPresent()) {
      throw new IllegalArgumentException(
          "expected no head norm weights without such a norm, got " + headNorm.get().length);
    }
    for (WeightSpec weight : config.weights()) {
      if (weight.isMatrix()) {
        check(weight, matrix(weight.name()));
      } else {
        weight.check(headNorm.orElse(null));
      }
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
    headNorm.ifPresent(RetentionParameters::checkFinite);
  }

  private static void checkFinite(double[] headNorm) {
    for (int i = 0; i < headNorm.length; i++) {
      if (!Double.isFinite(headNorm[i])) {
        throw new IllegalArgumentException(
            "expected finite head norm weights, got " + headNorm[i] + " at " + i);
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
