package org.retention4j.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** A drafted session that failed between leading back and reading on: nothing in it looks whole. */
class FailedDraftTest {
  private static final DecoderConfig CONFIG =
      DecoderConfig.of(
          61,
          32,
          DecoderConfig.uniform(
              2, new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU)));

  private static LanguageModel model(Engine engine) {
    return LanguageModel.random(engine, CONFIG, WeightType.FLOAT32, 5);
  }

  @Test
  void doesNotTakeGuessesForRead() {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
        LanguageModel model = model(engine);
        LanguageModel same = model(engine);
        Session session = model.newSession();
        Draft draft = new ModelDraft(same)) {
      session.append(1, 2);
      DraftedSession drafted = new DraftedSession(session, draft, new int[] {1, 2}, 4);
      drafted.step(3);
      assertThat(drafted.report().proposed()).isEqualTo(3);
      double[] logits = new double[61];
      drafted.logits(logits);
      int wrong = logits[0] == java.util.Arrays.stream(logits).max().getAsDouble() ? 1 : 0;
      model.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> drafted.step(wrong))
          .withMessage("this language model is closed");
      assertThatIllegalStateException()
          .isThrownBy(() -> drafted.step(wrong))
          .withMessageStartingWith("an earlier token failed half-way");
      drafted.close();
      drafted.close();
    }
  }
}
