package org.retention4j.verify;

import java.util.List;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.OutcomeError;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * Holds the forms to one another on a loaded model, in its own engine: every layer reads the same
 * random tokens in each form, and in short chunks with the last ones one by one.
 *
 * @since 0.1
 */
public final class FormsProof {
  private static final int TOKENS = 65;
  private static final int SINGLE = 5;
  private static final long SEED = 7;

  private FormsProof() {}

  /** Returns the largest difference in any layer. */
  public static OutcomeError worst(LanguageModel model) {
    Args.present("a model", model);
    INDArray x = inputs(model.config().modelWidth()).castTo(model.engine().dataType());
    Way first = Way.whole(new ParallelForm());
    List<Way> others =
        List.of(
            Way.whole(new RecurrentForm()),
            Way.whole(new ChunkwiseForm()),
            new Way("prefill", new ChunkwiseForm(16), TOKENS - SINGLE, new RecurrentForm()));
    OutcomeError worst = OutcomeError.NONE;
    for (DecoderLayer layer : model.layers()) {
      Outcome expected = first.layer(layer, x);
      for (Way way : others) {
        worst = worst.orWorse(OutcomeError.of(way.layer(layer, x), expected));
      }
    }
    return worst;
  }

  private static INDArray inputs(int width) {
    SplittableRandom random = new SplittableRandom(SEED);
    float[] data = new float[TOKENS * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (2 * random.nextDouble() - 1);
    }
    return Nd4j.createFromArray(data).reshape(1, TOKENS, width);
  }
}
