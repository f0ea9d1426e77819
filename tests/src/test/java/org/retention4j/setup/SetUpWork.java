package org.retention4j.setup;

import java.nio.file.Path;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.text.JsonTokenizer;

/** A little of everything that needs native code, as an application in a class loader does it. */
public final class SetUpWork {
  private SetUpWork() {}

  /** Works without an engine first, then with one, then with a tokenizer. */
  public static void run(Path tokenizerJson) {
    RetentionState state = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 2, 3, 4);
    INDArray zeros = state.toArray();
    if (zeros.sumNumber().doubleValue() != 0) {
      throw new IllegalStateException("expected zeros, got " + zeros);
    }
    RetentionConfig config = RetentionConfig.fla(16, 2);
    try (Engine engine = Engine.float32();
        RetentionWeights weights = RetentionWeights.random(engine, config, WeightType.INT8, 1)) {
      MultiScaleRetention block = new MultiScaleRetention(engine, weights);
      INDArray x = zeros.reshape(1, 24).repeat(1, 2).reshape(1, 3, 16).castTo(DataType.FLOAT);
      block.forward(new RecurrentForm(), x, block.newState(1));
    }
    try (JsonTokenizer tokenizer = JsonTokenizer.open(tokenizerJson, 300)) {
      if (!tokenizer.decode(tokenizer.encode("hello")).equals("hello")) {
        throw new IllegalStateException("expected what was encoded");
      }
    }
  }
}
