package org.retention4j.core;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.NativeLibraries;

/**
 * The weights of a block as plain arrays, in the layout of the checkpoints: (out,in).
 *
 * @param query W_Q (H·K, D)
 * @param key W_K (H_kv·K, D)
 * @param value W_V (H_kv·V, D)
 * @param gate W_G (H·V, D), null without gate
 * @param output W_O (D, H·V)
 * @param headNorm (V), null without a head norm weight
 */
public record RetentionParameters(
    INDArray query,
    INDArray key,
    INDArray value,
    INDArray gate,
    INDArray output,
    double[] headNorm) {

  /**
   * Returns seeded random fp32 weights, uniform with variance 1/in, and a head norm near 1. The
   * same seed gives the same weights on every platform.
   */
  public static RetentionParameters random(RetentionConfig config, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int d = config.modelWidth();
    int keys = config.keyWidth();
    int values = config.valueWidth();
    INDArray query = uniform(random, config.heads() * keys, d);
    INDArray key = uniform(random, config.kvHeads() * keys, d);
    INDArray value = uniform(random, config.kvHeads() * values, d);
    INDArray gate = config.gate() ? uniform(random, config.heads() * values, d) : null;
    INDArray output = uniform(random, d, config.heads() * values);
    double[] headNorm = null;
    if (config.headNormWeight()) {
      headNorm = new double[values];
      for (int i = 0; i < values; i++) {
        headNorm[i] = (float) (0.75 + 0.5 * random.nextDouble());
      }
    }
    return new RetentionParameters(query, key, value, gate, output, headNorm);
  }

  /**
   * Returns a seeded fp32 matrix (out,in), uniform with variance 1/in.
   *
   * @param random advanced by out·in draws
   */
  public static INDArray uniform(SplittableRandom random, int outputs, int inputs) {
    float[] data = new float[Math.multiplyExact(outputs, inputs)];
    double bound = Math.sqrt(3.0 / inputs);
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    NativeLibraries.requireNd4j();
    return Nd4j.createFromArray(data).reshape(outputs, inputs);
  }

  /**
   * Checks shapes and types against a configuration.
   *
   * @throws IllegalArgumentException naming the first weight that is missing, extra or misshapen
   */
  public void checkAgainst(RetentionConfig config) {
    long d = config.modelWidth();
    long values = (long) config.heads() * config.valueWidth();
    check("query", query, (long) config.heads() * config.keyWidth(), d);
    check("key", key, (long) config.kvHeads() * config.keyWidth(), d);
    check("value", value, (long) config.kvHeads() * config.valueWidth(), d);
    if (config.gate()) {
      check("gate", gate, values, d);
    } else if (gate != null) {
      throw new IllegalArgumentException(
          "expected no gate weights without a gate, got " + Arrays.toString(gate.shape()));
    }
    check("output", output, d, values);
    int expected = config.headNormWeight() ? config.valueWidth() : 0;
    int actual = headNorm == null ? 0 : headNorm.length;
    if (expected != actual) {
      throw new IllegalArgumentException(
          "expected " + expected + " head norm weights, got " + actual);
    }
  }

  private static void check(String name, INDArray array, long outputs, long inputs) {
    if (array == null) {
      throw new IllegalArgumentException(
          String.format("expected %s weights of shape [%d, %d], got none", name, outputs, inputs));
    }
    if (!Arrays.equals(array.shape(), new long[] {outputs, inputs})) {
      throw new IllegalArgumentException(
          String.format(
              "expected %s weights of shape [%d, %d], got %s",
              name, outputs, inputs, Arrays.toString(array.shape())));
    }
    DataType type = array.dataType();
    if (type != DataType.FLOAT && type != DataType.DOUBLE && type != DataType.BFLOAT16) {
      throw new IllegalArgumentException(
          "expected " + name + " weights of type FLOAT, DOUBLE or BFLOAT16, got " + type);
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
    checkFinite("gate", gate);
    checkFinite("output", output);
    for (int i = 0; headNorm != null && i < headNorm.length; i++) {
      if (!Double.isFinite(headNorm[i])) {
        throw new IllegalArgumentException(
            "expected finite head norm weights, got " + headNorm[i] + " at " + i);
      }
    }
  }

  private static void checkFinite(String name, INDArray array) {
    if (array == null) {
      return;
    }
    double[] values = array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        long columns = array.size(1);
        throw new IllegalArgumentException(
            String.format(
                "expected finite %s weights, got %s at (%d,%d)",
                name, values[i], i / columns, i % columns));
      }
    }
  }
}
