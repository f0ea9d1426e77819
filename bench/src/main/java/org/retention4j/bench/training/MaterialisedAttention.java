package org.retention4j.bench.training;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.StateSize;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.TrainableMixer;

/**
 * The library's attention in all but its pass: trained by {@link MaterialisedPass}, the baseline
 * that keeps all probabilities.
 *
 * @param same what it is but for that
 */
public record MaterialisedAttention(AttentionConfig same) implements MixerConfig, TrainableMixer {
  /**
   * Refuses what the baseline cannot do.
   *
   * @throws IllegalArgumentException for a window, biases, or heads that share keys
   */
  public MaterialisedAttention {
    if (same.windowed() || same.bias() || same.heads() != same.kvHeads()) {
      throw new IllegalArgumentException(
          "expected an attention without window, biases and shared keys, got " + same.describe());
    }
  }

  @Override
  public MixerPass trainingPass(
      PassContext context, Parameters parameters, String prefix, Ends ends) {
    return new MaterialisedPass(context, same, parameters, prefix, ends);
  }

  @Override
  public String kind() {
    return "materialised attention";
  }

  @Override
  public String describe() {
    return same.describe() + ", all probabilities kept in training";
  }

  @Override
  public int modelWidth() {
    return same.modelWidth();
  }

  @Override
  public List<WeightSpec> weights() {
    return same.weights();
  }

  @Override
  public MicroBatches microBatches(SequenceForm form) {
    return same.microBatches(form);
  }

  @Override
  public long stateElements() {
    return same.stateElements();
  }

  @Override
  public double cacheElements(double length) {
    return same.cacheElements(length);
  }

  @Override
  public StateSize stateSize(ElementType type, KvCacheOptions options, long length) {
    return same.stateSize(type, options, length);
  }

  @Override
  public double coreFlops(int tokens) {
    return same.coreFlops(tokens);
  }

  @Override
  public TokenMixer create(WeightSource source) {
    return new Mixer(this, same.create(source));
  }

  /**
   * The library's mixer under this configuration.
   *
   * @param config what it says of itself
   * @param same does all of the work
   */
  private record Mixer(MaterialisedAttention config, TokenMixer same) implements TokenMixer {
    @Override
    public NamedWeights weights() {
      return same.weights();
    }

    @Override
    public MixerState newState(int batch, KvCacheOptions options) {
      return same.newState(batch, options);
    }

    @Override
    public MixerPlan bind(SequenceForm form, MicroBatch piece) {
      return same.bind(form, piece);
    }

    @Override
    public Outcome reference(INDArray x) {
      return same.reference(x);
    }

    @Override
    public void close() {
      same.close();
    }
  }
}
