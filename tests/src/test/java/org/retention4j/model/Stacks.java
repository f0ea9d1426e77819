package org.retention4j.model;

import java.util.List;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.NormKind;

/** Stacks of decoder layers over frames of 24 numbers, as people have them. */
public final class Stacks {
  static final int WIDTH = 24;

  private Stacks() {}

  /** Streaming speaker diarization: γ = 1, LayerNorm, a plain feed-forward, biases everywhere. */
  public static StackConfig diarisation(int width, int heads, int layers) {
    LayerConfig layer =
        new LayerConfig(
                new RetentionMixerConfig(RetentionConfig.diarisation(width, heads)),
                2 * width,
                Activation.RELU)
            .withPlainFeedForward()
            .withFeedForwardBias(true)
            .withNorm(NormConfig.LAYER);
    return StackConfig.of(DecoderConfig.uniform(layers, layer));
  }

  /** Constant decays by layer, as Ling's, gated feed-forwards with biases, one norm without. */
  public static StackConfig lightning() {
    LayerConfig first = lightning(0).withFeedForwardBias(true);
    LayerConfig second = lightning(1).withNorm(new NormConfig(NormKind.LAYER, false));
    return StackConfig.of(List.of(first, second)).withoutFinalNorm();
  }

  private static LayerConfig lightning(int index) {
    RetentionConfig block = RetentionConfig.lightning(WIDTH, 2, index, 3);
    return new LayerConfig(new RetentionMixerConfig(block), 20, Activation.SILU);
  }

  /** fla's retention with a norm over one group, and attention with a window. */
  public static StackConfig hybrid() {
    RetentionConfig block = RetentionConfig.builder(WIDTH, 2).norm(HeadNorm.RMS.groups(1)).build();
    LayerConfig retention = new LayerConfig(new RetentionMixerConfig(block), 20, Activation.GELU);
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(WIDTH, 2, 1, 12, 10_000, 9, true), 20, Activation.SILU);
    return StackConfig.of(List.of(retention, attention));
  }

  /** All of them. */
  public static List<StackConfig> all() {
    return List.of(diarisation(WIDTH, 3, 2), lightning(), hybrid());
  }
}
