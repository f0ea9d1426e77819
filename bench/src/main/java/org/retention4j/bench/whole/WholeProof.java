package org.retention4j.bench.whole;

import java.util.List;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RelativeError;
import org.retention4j.core.RetentionForm;
import org.retention4j.model.BoundLayer;
import org.retention4j.model.DecoderLayer;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.MixerMemory;
import org.retention4j.model.RetentionMixer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * Holds the forms to one another on the very weights that are timed afterwards: every layer reads
 * 65 random tokens in each form, and in chunks with the last five one by one.
 */
final class WholeProof {
  /** Outputs and states of two fp32 forms, as for whole models. */
  static final double BOUND = 5e-6;

  private static final int TOKENS = 65;
  private static final int SINGLE = 5;

  private final LanguageModel model;

  WholeProof(LanguageModel model) {
    this.model = model;
  }

  private record Given(INDArray output, INDArray state) {}

  /** Returns the largest difference of outputs or states in any layer. */
  double worst() {
    double worst = 0;
    int width = model.config().modelWidth();
    SplittableRandom random = new SplittableRandom(7);
    float[] data = new float[TOKENS * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (2 * random.nextDouble() - 1);
    }
    INDArray x = Nd4j.createFromArray(data).reshape(1, TOKENS, width);
    for (DecoderLayer layer : model.layers()) {
      Given first = run(layer, x, new ParallelForm(), TOKENS, new ParallelForm());
      for (Given other :
          List.of(
              run(layer, x, new RecurrentForm(), TOKENS, new RecurrentForm()),
              run(layer, x, new ChunkwiseForm(), TOKENS, new ChunkwiseForm()),
              run(layer, x, new ChunkwiseForm(16), TOKENS - SINGLE, new RecurrentForm()))) {
        worst = Math.max(worst, RelativeError.ofTokens(other.output(), first.output()).perHead());
        if (first.state() != null) {
          worst = Math.max(worst, RelativeError.ofStates(other.state(), first.state()).perHead());
        }
      }
    }
    return worst;
  }

  /** Reads the first tokens in one form at once, the others in another one by one. */
  private static Given run(
      DecoderLayer layer, INDArray x, RetentionForm form, int atOnce, RetentionForm then) {
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    try (MixerMemory memory = layer.mixer().newMemory(1, TOKENS)) {
      step(layer, form, x, y, memory, 0, atOnce);
      for (int t = atOnce; t < TOKENS; t++) {
        step(layer, then, x, y, memory, t, t + 1);
      }
      boolean retains = layer.mixer() instanceof RetentionMixer;
      return new Given(y, retains ? RetentionMixer.copyState(memory) : null);
    }
  }

  private static void step(
      DecoderLayer layer,
      RetentionForm form,
      INDArray x,
      INDArray y,
      MixerMemory memory,
      int from,
      int to) {
    try (BoundLayer bound = layer.bind(form, part(x, from, to), memory, part(y, from, to))) {
      bound.step();
    }
  }

  private static INDArray part(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }
}
