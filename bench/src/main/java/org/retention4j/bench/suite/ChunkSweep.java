package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Formulas;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.BoundSequence;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** The chunkwise core without its projections, by chunk size, beside the predicted best. */
public final class ChunkSweep {
  private static final int TOKENS = 512;
  private static final int[] CHUNKS = {16, 32, 64, 128, 256};

  private final Scene scene;
  private final Ceilings ceilings;

  /** Prepares. */
  public ChunkSweep(Scene scene, Ceilings ceilings) {
    this.scene = scene;
    this.ceilings = ceilings;
  }

  /** Measures all chunk sizes. */
  public void run() {
    LayerShape shape = scene.shape();
    INDArray q = random(0, shape.keyWidth());
    INDArray k = random(1, shape.keyWidth());
    INDArray v = random(2, shape.valueWidth());
    INDArray out = v.dup();
    List<Contender> contenders = new ArrayList<>();
    List<RetentionState> states = new ArrayList<>();
    for (int chunk : CHUNKS) {
      RetentionState state =
          RetentionState.zeros(
              scene.engine(), 1, shape.heads(), shape.keyWidth(), shape.valueWidth());
      states.add(state);
      BoundSequence bound =
          new RetentionCore(scene.engine(), new ChunkwiseForm(chunk))
              .bind(
                  RetentionCall.of(q, k, v, DecaySchedule.pow2(shape.heads()).logDecay())
                      .withScale(1 / Math.sqrt(shape.keyWidth())),
                  state,
                  out);
      contenders.add(new Contender("chunk " + chunk, bound::step));
    }
    List<Samples> samples =
        Sampler.measure(
            contenders,
            new Sampler.Plan(scene.effort().warmUpSeconds(), 2 * scene.effort().repeats() - 1, 1));
    for (int i = 0; i < CHUNKS.length; i++) {
      report(CHUNKS[i], samples.get(i));
    }
    states.forEach(RetentionState::close);
  }

  private INDArray random(long seed, int width) {
    SplittableRandom random = new SplittableRandom(scene.seed() + seed);
    float[] data = new float[TOKENS * scene.shape().heads() * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return Nd4j.createFromArray(data).reshape(1, TOKENS, scene.shape().heads(), width);
  }

  private void report(int chunk, Samples samples) {
    LayerShape shape = scene.shape();
    double best =
        Formulas.bestChunk(
            shape.valueFactor(),
            shape.keyWidth(),
            Float.BYTES,
            ceilings.product(Matrix.retentionBlock(shape)).rate()
                / ceilings.read(shape.stateBytes()).rate(),
            1);
    scene
        .results()
        .add(
            Kind.CHUNK_SWEEP,
            "core",
            "chunkwise core",
            Workload.block(shape, "chunkwise", chunk, scene.models().provider())
                .core(1, 1)
                .prompt(TOKENS),
            Timing.of(samples, TOKENS),
            Cost.builder()
                .flops(
                    new RetentionMixerConfig(scene.models().block().config())
                        .coreFlops(TOKENS, chunk),
                    "T·D·(C(1+f) + 4fK + fK/C)"),
            "predicted best C = " + Format.number(best));
  }
}
