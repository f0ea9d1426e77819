package org.retention4j.train.pass.retention;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.RetentionConfigBuilder;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.NormKind;
import org.retention4j.testkit.Tensors;
import org.retention4j.train.pass.Segment;

/**
 * A block and the rows it is trained on.
 *
 * @param goesOn whether the rows come in with states, in the middle of their sequences
 */
record RetentionCase(
    String name, RetentionConfig config, int batch, int tokens, Resets starts, boolean goesOn) {
  /** At which rows go on. */
  private static final int[] POSITIONS = {37, 3, 1000};

  static RetentionConfigBuilder fla() {
    return RetentionConfig.fla(8, 2).toBuilder();
  }

  static RetentionConfigBuilder torchscale() {
    return RetentionConfig.torchscale(8, 2).toBuilder();
  }

  /** Everything at once, with grouped heads. */
  static RetentionConfig all() {
    return RetentionConfig.builder(12, 4)
        .kvHeads(2)
        .keyWidth(6)
        .valueWidth(4)
        .biases(Projection.values())
        .featureMap(Activation.SILU)
        .valueMap(Activation.SILU)
        .queryKeyNorm(true)
        .rotation(Rotation.FLA.channels(4))
        .scaleKeys(true)
        .normaliseOutput(true)
        .norm(new HeadNorm(NormKind.LAYER, 2, HeadNorm.Weight.PER_CHANNEL, true))
        .gate(Activation.SIGMOID)
        .build();
  }

  static List<RetentionCase> all(boolean each) {
    List<RetentionCase> cases = new ArrayList<>();
    for (int tokens : new int[] {1, 7, 63, 65}) {
      for (boolean goesOn : new boolean[] {false, true}) {
        int batch = tokens == 65 ? 1 : tokens == 1 ? 3 : 2;
        add(cases, "fla", fla(), batch, tokens, goesOn);
        add(cases, "torchscale", torchscale(), batch, tokens, goesOn);
        add(cases, "all options", all().toBuilder(), batch, tokens, goesOn);
      }
    }
    cases.add(packed("fla", fla(), false));
    cases.add(packed("torchscale", torchscale(), true));
    cases.add(packed("all options", all().toBuilder(), true));
    RetentionConfig diarisation = RetentionConfig.diarisation(8, 2);
    cases.add(packed("diarisation", diarisation.toBuilder(), true));
    add(cases, "lightning", RetentionConfig.lightning(16, 4, 1, 3).toBuilder(), 2, 9, true);
    if (each) {
      options(cases);
    }
    return cases;
  }

  /** Each option by itself. */
  private static void options(List<RetentionCase> cases) {
    for (Projection projection : Projection.values()) {
      add(cases, "bias of " + projection, fla().biases(projection), 2, 7, false);
    }
    RetentionConfigBuilder silu = fla().featureMap(Activation.SILU).valueMap(Activation.SILU);
    add(cases, "maps", silu, 2, 7, false);
    add(cases, "maps with biases", silu.biases(Projection.values()), 2, 7, false);
    add(cases, "relu", fla().featureMap(Activation.RELU).valueMap(Activation.RELU), 2, 7, false);
    add(cases, "q/k norm", fla().queryKeyNorm(true), 2, 7, false);
    add(cases, "relu, q/k norm", fla().featureMap(Activation.RELU).queryKeyNorm(true), 2, 7, true);
    add(cases, "no rotation, scaled keys", torchscale().rotation(Rotation.NONE), 2, 7, true);
    add(cases, "rotation of 2", fla().rotation(Rotation.FLA.channels(2)), 2, 7, true);
    Rotation two = Rotation.TORCHSCALE.channels(2);
    add(cases, "rotation of 2, scaled keys", torchscale().rotation(two), 2, 7, true);
    add(cases, "sigmoid gate", fla().gate(Activation.SIGMOID), 2, 7, false);
    add(cases, "no gate", fla().gate(Activation.NONE), 2, 7, true);
    add(cases, "kv heads", fla().kvHeads(1), 3, 7, true);
    add(cases, "one in all", fla().decay(DecaySchedule.custom(1, 1)), 2, 7, true);
    for (NormKind kind : NormKind.values()) {
      for (int groups : new int[] {0, 1, 4}) {
        for (HeadNorm.Weight weight : HeadNorm.Weight.values()) {
          HeadNorm norm = new HeadNorm(kind, groups, weight, weight != HeadNorm.Weight.NONE);
          add(cases, "norm " + norm, torchscale().norm(norm), 2, 5, true);
          add(cases, "norm, no gate " + norm, fla().norm(norm).gate(Activation.NONE), 2, 5, false);
        }
      }
    }
  }

  private static void add(
      List<RetentionCase> to,
      String name,
      RetentionConfigBuilder config,
      int batch,
      int tokens,
      boolean goesOn) {
    to.add(new RetentionCase(name, config.build(), batch, tokens, Resets.none(), goesOn));
  }

  private static RetentionCase packed(String name, RetentionConfigBuilder config, boolean goesOn) {
    boolean[][] mask = new boolean[2][20];
    mask[0][5] = true;
    mask[0][6] = true;
    mask[1][17] = true;
    mask[1][0] = !goesOn;
    return new RetentionCase(name, config.build(), 2, 20, Resets.mask(mask), goesOn);
  }

  Segment segment(boolean carry) {
    return RetentionRun.segment(batch, starts, !goesOn, carry);
  }

  /** Returns (B,T,D). */
  double[] numbers(long seed) {
    return Tensors.flat(Tensors.gaussian(seed, DataType.FLOAT, batch, tokens, config.modelWidth()));
  }

  /** Returns the incoming states (B,H,K,V), 0 where rows begin. */
  double[] states() {
    double[] all =
        Tensors.flat(
            Tensors.gaussian(
                9, DataType.FLOAT, batch, config.heads(), config.keyWidth(), config.valueWidth()));
    return goesOn ? all : new double[all.length];
  }

  long[] positions() {
    long[] positions = new long[batch];
    for (int b = 0; b < batch && goesOn; b++) {
      positions[b] = POSITIONS[b];
    }
    return positions;
  }

  /** Gives a run its incoming states; where rows begin they are there too, and of no effect. */
  void carryInto(RetentionRun run) {
    double[] states = states();
    double[] positions = new double[2 * batch];
    for (int b = 0; b < batch; b++) {
      positions[b] = goesOn ? positions()[b] : 5;
    }
    for (int i = 0; i < states.length && !goesOn; i++) {
      states[i] = 3;
    }
    run.carry(0, states);
    run.carry(1, positions);
  }

  @Override
  public String toString() {
    return name
        + " B "
        + batch
        + " T "
        + tokens
        + (starts.isEmpty() ? "" : " packed")
        + (goesOn ? " goes on" : "");
  }
}
