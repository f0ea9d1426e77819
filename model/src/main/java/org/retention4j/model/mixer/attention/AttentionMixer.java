package org.retention4j.model.mixer.attention;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.WeightSource;
import org.retention4j.snapshot.SnapshotReader;

/**
 * Causal softmax attention with rotary positions over a key/value cache, as a token mixer.
 *
 * @since 0.1
 */
public final class AttentionMixer implements TokenMixer {
  private final Engine engine;
  private final AttentionConfig config;
  private final NamedWeights weights;

  AttentionMixer(AttentionConfig config, WeightSource source) {
    this.config = config;
    engine = source.engine();
    weights = NamedWeights.take(config.weights(), source);
  }

  /** Returns a mixer with seeded random weights, uniform with variance 1/in. */
  public static AttentionMixer random(
      Engine engine, AttentionConfig config, WeightType type, long seed) {
    return new AttentionMixer(config, WeightSource.random(engine, type, seed));
  }

  @Override
  public AttentionConfig config() {
    return config;
  }

  @Override
  public NamedWeights weights() {
    return weights;
  }

  PackedMatrix matrix(String name) {
    return weights.matrix(name);
  }

  /** Returns a bias by head, none without biases. */
  double[][] headBias(String name) {
    if (!config.bias()) {
      return new double[0][];
    }
    double[] bias = weights.vector(name);
    int width = config.headWidth();
    double[][] byHead = new double[bias.length / width][];
    for (int h = 0; h < byHead.length; h++) {
      byHead[h] = Arrays.copyOfRange(bias, h * width, (h + 1) * width);
    }
    return byHead;
  }

  @Override
  public MixerState newState(int batch, KvCacheOptions options) {
    return new KeyValueCache(config, engine, batch, options);
  }

  @Override
  public String sectionTag() {
    return CacheExchange.TAG;
  }

  @Override
  public MixerState read(SnapshotReader from, KvCacheOptions options) throws IOException {
    return CacheExchange.read(engine, config, from, options);
  }

  @Override
  public MixerPlan bind(SequenceForm form, MicroBatch piece) {
    return new AttentionPlan(engine, this, piece);
  }

  @Override
  public Outcome reference(INDArray x) {
    return new Outcome(new AttentionReference(this).forward(x), Optional.empty());
  }

  @Override
  public void close() {
    weights.close();
  }
}
