package org.retention4j.testkit;

import static org.retention4j.testkit.BlockCase.fla;
import static org.retention4j.testkit.BlockCase.of;
import static org.retention4j.testkit.BlockCase.torchscale;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.RetentionConfigBuilder;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.NormKind;

/** Options of a block beyond the two families of checkpoints, each by itself and together. */
final class BlockOptions {
  private BlockOptions() {}

  /** Everything at once, with grouped heads, in two streams. */
  static RetentionConfig all() {
    return RetentionConfig.builder(16, 4)
        .kvHeads(2)
        .keyWidth(6)
        .valueWidth(4)
        .keyValueInput(10)
        .biases(Projection.values())
        .featureMap(Activation.SILU)
        .valueMap(Activation.RELU)
        .queryKeyNorm(true)
        .rotation(Rotation.FLA.channels(4))
        .scaleKeys(true)
        .normaliseOutput(true)
        .norm(new HeadNorm(NormKind.LAYER, 2, HeadNorm.Weight.PER_CHANNEL, true))
        .gate(Activation.SIGMOID)
        .build();
  }

  static List<BlockCase> cases() {
    List<BlockCase> cases = new ArrayList<>();
    int[] packed = {0, 1, 32, 33, 65};
    for (int tokens : new int[] {1, 65}) {
      cases.add(of("all options", all(), 2, tokens));
      cases.add(of("diarisation", RetentionConfig.diarisation(12, 2), 2, tokens));
      cases.add(of("lightning", RetentionConfig.lightning(16, 4, 1, 3), 2, tokens));
    }
    cases.add(of("all options", all(), 1, 65).packed(packed));
    cases.add(of("diarisation", RetentionConfig.diarisation(12, 2), 1, 65).packed(packed));
    cases.add(of("two streams", fla().keyValueInput(12).build(), 1, 65).packed(packed));
    cases.add(of("two streams", fla().keyValueInput(7).build(), 3, 20).lengths(20, 0, 7));
    for (Projection projection : Projection.values()) {
      String name = "bias of " + projection;
      cases.add(of(name, fla().biases(projection).build(), 1, 20));
    }
    cases.add(of("biases before maps", mapped().biases(Projection.values()).build(), 1, 20));
    cases.add(of("maps", mapped().build(), 1, 20));
    cases.add(of("relu values", torchscale().valueMap(Activation.RELU).build(), 1, 20));
    cases.add(of("q/k norm", torchscale().queryKeyNorm(true).build(), 1, 20));
    cases.add(of("rotation of 2", fla().rotation(Rotation.FLA.channels(2)).build(), 1, 20));
    Rotation two = Rotation.TORCHSCALE.channels(2);
    cases.add(of("rotation of 2, scaled keys", torchscale().rotation(two).build(), 1, 20));
    cases.add(of("sigmoid gate", fla().gate(Activation.SIGMOID).build(), 1, 20));
    HeadNorm layer = HeadNorm.PLAIN_LAYER;
    cases.add(of("less the mean", fla().norm(layer).build(), 1, 20));
    cases.add(of("less the mean, no gate", ungated(layer), 1, 20));
    cases.add(of("norm bias", fla().norm(layer.bias(true)).build(), 1, 20));
    cases.add(of("norm bias, no gate", ungated(HeadNorm.RMS.bias(true)), 1, 20));
    HeadNorm perChannel = HeadNorm.RMS.weight(HeadNorm.Weight.PER_CHANNEL);
    cases.add(of("norm weight per channel", fla().norm(perChannel).build(), 1, 20));
    for (int groups : new int[] {1, 3, 8}) {
      HeadNorm grouped = HeadNorm.RMS.groups(groups);
      cases.add(of("norm over " + groups + " groups", fla().norm(grouped).build(), 2, 20));
      cases.add(of("normalised, " + groups, torchscale().norm(grouped).build(), 2, 20));
    }
    return cases;
  }

  private static RetentionConfigBuilder mapped() {
    return fla().featureMap(Activation.SILU).valueMap(Activation.SILU);
  }

  private static RetentionConfig ungated(HeadNorm norm) {
    return fla().norm(norm).gate(Activation.NONE).build();
  }
}
