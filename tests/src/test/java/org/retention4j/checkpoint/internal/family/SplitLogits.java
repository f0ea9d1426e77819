package org.retention4j.checkpoint.internal.family;

import java.nio.file.Path;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.testkit.Tensors;

/** Logits of a folder's model: some tokens at once, the rest one by one. */
final class SplitLogits {
  private static final int AT_ONCE = 33;

  private SplitLogits() {}

  /** Returns (1,T,vocabulary). */
  static INDArray of(Path folder, Engine engine, int[] ids) {
    try (LanguageModel model = Checkpoint.open(folder).load(engine, LoadOptions.DEFAULT);
        Session session = model.newSession()) {
      int vocabulary = model.config().vocabulary();
      double[] all = new double[ids.length * vocabulary];
      int[][] first = {Arrays.copyOf(ids, AT_ONCE)};
      session.append(
          first,
          (row, position, logits) ->
              System.arraycopy(logits, 0, all, (int) position * vocabulary, vocabulary));
      double[] logits = new double[vocabulary];
      for (int t = AT_ONCE; t < ids.length; t++) {
        session.step(ids[t]);
        session.logits(0, logits);
        System.arraycopy(logits, 0, all, t * vocabulary, vocabulary);
      }
      return Tensors.of(all, DataType.DOUBLE, 1, ids.length, vocabulary);
    }
  }
}
