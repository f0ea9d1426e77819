package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Which rows of a session have logits, after it was taken back too. */
class LastLogitsTest {
  private static final int VOCABULARY = 17;

  private static LanguageModel model() {
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(1, layer));
    return LanguageModel.random(Engines.vector(), config, WeightType.FLOAT32, 3);
  }

  private static float[] logits(Session session, int row) {
    float[] logits = new float[VOCABULARY];
    session.logits(row, logits);
    return logits;
  }

  @Test
  void aRowThatIsTakenBackBeforeItsFirstTokenHasNone() {
    try (LanguageModel model = model();
        Session session = model.newSession(2, SessionOptions.DEFAULT)) {
      session.append(new int[][] {{1, 2}, {}});
      float[] before = logits(session, 0);
      try (Session.Mark mark = session.mark()) {
        session.append(new int[][] {{3}, {4, 5}});
        assertThat(logits(session, 0)).isNotEqualTo(before);
        logits(session, 1);
        session.rollback(mark);
      }
      assertThat(logits(session, 0)).isEqualTo(before);
      assertThatIllegalStateException()
          .isThrownBy(() -> logits(session, 1))
          .withMessageContaining("row 1");
    }
  }

  @Test
  void aSessionThatIsTakenBackToItsBeginHasNoneUntilItReadsAgain() {
    try (LanguageModel model = model();
        Session session = model.newSession()) {
      assertThatIllegalStateException().isThrownBy(() -> logits(session, 0));
      try (Session.Mark empty = session.mark()) {
        session.append(1, 2, 3);
        float[] three = logits(session, 0);
        session.rollback(empty);
        assertThatIllegalStateException().isThrownBy(() -> logits(session, 0));
        session.append(1, 2, 3);
        assertThat(logits(session, 0)).isEqualTo(three);
      }
    }
  }
}
