package org.retention4j.model;

import java.util.SplittableRandom;
import org.retention4j.core.RetentionParameters;
import org.retention4j.engine.Engine;
import org.retention4j.engine.PackedMatrix;
import org.retention4j.engine.Tile;
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

  /**
   * Takes over packed weights and closes them when it is closed.
   *
   * @param query (heads·d, D)
   * @param key (kvHeads·d, D)
   * @param value (kvHeads·d, D)
   * @param output (D, heads·d)
   */
  public AttentionMixer(
      Engine engine,
      AttentionConfig config,
      PackedMatrix query,
      PackedMatrix key,
      PackedMatrix value,
      PackedMatrix output) {
    this.engine = engine;
    this.config = config;
    int all = config.heads() * config.headWidth();
    int kv = config.kvHeads() * config.headWidth();
    this.query = checked("query", query, all, config.modelWidth());
    this.key = checked("key", key, kv, config.modelWidth());
    this.value = checked("value", value, kv, config.modelWidth());
    this.output = checked("output", output, config.modelWidth(), all);
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
        engine.pack(RetentionParameters.uniform(random, d, all), type));
  }

  /** Returns the configuration. */
  public AttentionConfig config() {
    return config;
  }

  PackedMatrix query() {
    return query;
  }

  PackedMatrix key() {
    return key;
  }

  PackedMatrix value() {
    return value;
  }

  PackedMatrix output() {
    return output;
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
  public MixerMemory newMemory(int batch, int capacity) {
    return new KeyValueCache(config, engine.type(), batch, capacity);
  }

  @Override
  public int pieceLength(int tokens) {
    return Math.max(1, Math.min(tokens, PIECE));
  }

  @Override
  public MixerPass bind(int batch, int tokens, Tile x, Tile y) {
    return new AttentionPass(engine, this, batch, tokens, x, y);
  }

  @Override
  public void close() {
    query.close();
    key.close();
    value.close();
    output.close();
  }
}
