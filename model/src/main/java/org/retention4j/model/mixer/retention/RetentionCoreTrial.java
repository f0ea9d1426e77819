package org.retention4j.model.mixer.retention;

import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.core.reference.Bounds;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.core.reference.ReferenceRetention;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.MixerTrial;
import org.retention4j.model.mixer.Outcome;

/** The core of a block before any norm, on the block's q, k and v, which are rounded to fp32. */
final class RetentionCoreTrial implements MixerTrial {
  private final RetentionConfig config;
  private final LogDecay decay;
  private final INDArray q;
  private final INDArray k;
  private final INDArray v;

  /**
   * Projects.
   *
   * @param x (1,T,D)
   */
  RetentionCoreTrial(RetentionConfig config, RetentionParameters parameters, INDArray x) {
    this.config = config;
    decay = config.decay().logDecay();
    ReferenceBlock.Projected from =
        ReferenceBlock.project(config, parameters, BlockInput.of(x), new long[1]);
    q = from.q().castTo(DataType.FLOAT);
    k = from.k().castTo(DataType.FLOAT);
    v = from.v().castTo(DataType.FLOAT);
  }

  @Override
  public String part() {
    return "core";
  }

  @Override
  public Outcome expected() {
    ReferenceRetention.Result result =
        ReferenceRetention.advance(
            RetentionCall.of(q, k, v, decay).withScale(config.outputScale()));
    return new Outcome(result.output(), Optional.of(result.state()));
  }

  @Override
  public Outcome run(Engine engine, SequenceForm form) {
    DataType type = engine.dataType();
    try (RetentionState state = RetentionState.zeros(engine, config, 1)) {
      INDArray o =
          new RetentionCore(engine, RetentionMixer.form(form))
              .advance(
                  RetentionCall.of(q.castTo(type), k.castTo(type), v.castTo(type), decay)
                      .withScale(config.outputScale()),
                  state);
      return new Outcome(o, Optional.of(state.toArray()));
    }
  }

  @Override
  public double bound(ElementType type) {
    return Bounds.core(type, true, q.size(1));
  }
}
