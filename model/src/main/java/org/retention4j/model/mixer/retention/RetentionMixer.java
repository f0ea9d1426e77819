package org.retention4j.model.mixer.retention;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BlockInput;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.StateExchange;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.engine.Engine;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.MixerTrial;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.NamedWeights;
import org.retention4j.snapshot.SnapshotReader;

/**
 * Multi-scale retention as a token mixer.
 *
 * @since 0.1
 */
public final class RetentionMixer implements TokenMixer {
  private final RetentionMixerConfig config;
  private final RetentionWeights weights;

  RetentionMixer(RetentionMixerConfig config, RetentionWeights weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Puts a mixer on weights, which it closes when it is closed. */
  public RetentionMixer(RetentionWeights weights) {
    this(new RetentionMixerConfig(weights.config()), weights);
  }

  @Override
  public RetentionMixerConfig config() {
    return config;
  }

  @Override
  public NamedWeights weights() {
    return weights.named();
  }

  @Override
  public MixerState newState(int batch, KvCacheOptions options) {
    Engine engine = weights.engine();
    return new RetentionMixerState(RetentionState.zeros(engine, config.block(), batch));
  }

  @Override
  public String sectionTag() {
    return StateExchange.TAG;
  }

  @Override
  public MixerState read(SnapshotReader from, KvCacheOptions options) throws IOException {
    return new RetentionMixerState(StateExchange.read(weights.engine(), from, config.block()));
  }

  @Override
  public MixerPlan bind(SequenceForm form, MicroBatch piece) {
    return new RetentionMixerPlan(weights, form(form), piece);
  }

  /** Returns a form of retention, or refuses another mixer's. */
  static RetentionForm form(SequenceForm form) {
    if (form instanceof RetentionForm own) {
      return own;
    }
    throw new IllegalArgumentException("expected a form of retention, got " + form);
  }

  @Override
  public Outcome reference(INDArray x) {
    ReferenceBlock.Result block =
        ReferenceBlock.forward(config.block(), weights.unpack(), BlockInput.of(x));
    return new Outcome(block.output(), Optional.of(block.state()));
  }

  /** Returns the bare core: a positive factor per token vanishes in the head norm. */
  @Override
  public List<MixerTrial> trials(INDArray x) {
    return List.of(new RetentionCoreTrial(config.block(), weights.unpack(), x));
  }

  @Override
  public void close() {
    weights.close();
  }
}
