package org.retention4j.train.stack;

import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.TrainableMixer;
import org.retention4j.train.pass.attention.AttentionPass;
import org.retention4j.train.pass.retention.RetentionPass;

/** Which mixers can be trained: the one place that names them; others bring their pass. */
final class MixerPasses {
  private MixerPasses() {}

  /**
   * Binds the pass of a mixer.
   *
   * @throws IllegalArgumentException for one that cannot be trained
   */
  static MixerPass bind(
      PassContext context, MixerConfig config, Parameters parameters, String prefix, Ends ends) {
    if (config instanceof RetentionMixerConfig retention) {
      return new RetentionPass(context, retention.block(), parameters, prefix, ends);
    }
    if (config instanceof AttentionConfig attention) {
      return new AttentionPass(context, attention, parameters, prefix, ends);
    }
    if (config instanceof TrainableMixer own) {
      return own.trainingPass(context, parameters, prefix, ends);
    }
    throw new IllegalArgumentException(
        "expected a layer that mixes by retention or attention, which can be trained, got "
            + config.kind());
  }
}
