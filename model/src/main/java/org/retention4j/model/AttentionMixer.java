package org.retention4j.model;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionParameters;
import org.retention4j.engine.Engine;
import org.retention4j.engine.PackedMatrix;
import org.retention4j.engine.TilePiece;
import org.retention4j.engine.WeightType;

/** Causal softmax attention with rotary positions over a key/value cache, as a token mixer. */
public final class AttentionMixer implements TokenMixer {
  private static final int PIECE = 512;

  private final Engine engine;
  private final AttentionConfig config;
  private final PackedMatrix query;
  private final PackedMatrix key;
  private final PackedMatrix value;
  private final PackedMatrix output;
  private final double[][] biases;

  /**
   * Takes over packed weights and closes them when it is closed.
   *
   * @param query (heads·d, D)
   * @param key (kvHeads·d, D)
   * @param value (kvHeads·d, D)
   * @param output (D, heads·d)
   * @param biases of queries, keys and values, or null without
   * @throws IllegalArgumentException if a weight does not fit the configuration
   */
  public AttentionMixer(
      Engine engine,
      AttentionConfig config,
      PackedMatrix query,
      PackedMatrix key,
      PackedMatrix value,
      PackedMatrix output,
      double[][] biases) {
    this.engine = engine;
    this.config = config;
    int all = config.heads() * config.headWidth();
    int kv = config.kvHeads() * config.headWidth();
    this.query = checked("query", query, all, config.modelWidth());
    this.key = checked("key", key, kv, config.modelWidth());
    this.value = checked("value", value, kv, config.modelWidth());
    this.output = checked("output", output, config.modelWidth(), all);
    this.biases = config.bias() ? checked(biases, all, kv) : null;
  }

  private static double[][] checked(double[][] biases, int all, int kv) {
    if (biases == null
        || biases.length != 3
        || biases[0].length != all
        || biases[1].length != kv
        || biases[2].length != kv) {
      throw new IllegalArgumentException(
          String.format("expected biases of %d, %d and %d numbers, got others", all, kv, kv));
    }
    return new double[][] {biases[0].clone(), biases[1].clone(), biases[2].clone()};
  }

  private static PackedMatrix checked(String name, PackedMatrix w, int outputs, int inputs) {
    if (w.outputs() != outputs || w.inputs() != inputs) {
      throw new IllegalArgumentException(
          String.format(
              "expected %s weights of shape (%d,%d), got (%d,%d)",
              name, outputs, inputs, w.outputs(), w.inputs()));
    }
    return w;
  }

  /** Returns a mixer with seeded random weights, uniform with variance 1/in. */
  public static AttentionMixer random(
      Engine engine, AttentionConfig config, WeightType type, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int all = config.heads() * config.headWidth();
    int kv = config.kvHeads() * config.headWidth();
    int d = config.modelWidth();
    return new AttentionMixer(
        engine,
        config,
        engine.pack(RetentionParameters.uniform(random, all, d), type),
        engine.pack(RetentionParameters.uniform(random, kv, d), type),
        engine.pack(RetentionParameters.uniform(random, kv, d), type),
        engine.pack(RetentionParameters.uniform(random, d, all), type),
        config.bias() ? randomBiases(random, all, kv) : null);
  }

  private static double[][] randomBiases(SplittableRandom random, int all, int kv) {
    double[][] biases = {new double[all], new double[kv], new double[kv]};
    for (double[] bias : biases) {
      for (int i = 0; i < bias.length; i++) {
        bias[i] = (float) (random.nextDouble() - 0.5);
      }
    }
    return biases;
  }

  /** Returns the configuration. */
  public AttentionConfig config() {
    return config;
  }

  /** Returns the query weights (heads·d, D), which stay the mixer's. */
  public PackedMatrix query() {
    return query;
  }

  /** Returns the key weights (kvHeads·d, D), which stay the mixer's. */
  public PackedMatrix key() {
    return key;
  }

  /** Returns the value weights (kvHeads·d, D), which stay the mixer's. */
  public PackedMatrix value() {
    return value;
  }

  /** Returns the output weights (D, heads·d), which stay the mixer's. */
  public PackedMatrix output() {
    return output;
  }

  /** Returns the biases of queries, keys and values, or null; not to be changed. */
  public double[][] biases() {
    return biases;
  }

  /** Returns the biases of queries, keys and values by head, or null. */
  double[][][] headBiases() {
    if (biases == null) {
      return null;
    }
    int width = config.headWidth();
    double[][][] byHead = new double[biases.length][][];
    for (int i = 0; i < biases.length; i++) {
      byHead[i] = new double[biases[i].length / width][];
      for (int h = 0; h < byHead[i].length; h++) {
        byHead[i][h] = Arrays.copyOfRange(biases[i], h * width, (h + 1) * width);
      }
    }
    return byHead;
  }

  @Override
  public String name() {
    return "attention";
  }

  @Override
  public int modelWidth() {
    return config.modelWidth();
  }

  @Override
  public long parameters() {
    return config.parameters();
  }

  @Override
  public long weightBytes() {
    return query.bytes() + key.bytes() + value.bytes() + output.bytes();
  }

  @Override
  public MixerMemory newMemory(int batch, MemoryOptions options) {
    return new KeyValueCache(config, engine.type(), batch, options);
  }

  @Override
  public int pieceLength(RetentionForm form, int tokens) {
    return Math.max(1, Math.min(tokens, PIECE));
  }

  @Override
  public MixerPass bind(RetentionForm form, TilePiece piece) {
    return new AttentionPass(engine, this, piece);
  }

  @Override
  public void close() {
    query.close();
    key.close();
    value.close();
    output.close();
  }
}
