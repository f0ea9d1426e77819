package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;

/** Sequences that change places go on as if they had stayed. */
class SessionExchangeTest extends SessionFixture {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void goOnToTheBit(boolean attends) {
    LanguageModel model = model(config(attends), WeightType.FLOAT32, 1);
    try (Session many = model.newSession(3, SessionOptions.DEFAULT);
        Session one = model.newSession();
        Session control = model.newSession(3, SessionOptions.DEFAULT);
        Session alone = model.newSession()) {
      many.append(new int[][] {text(1, 70), text(2, 5), {}});
      control.append(new int[][] {text(1, 70), text(2, 5), {}});
      one.append(text(3, 33));
      alone.append(text(3, 33));
      long bytes = many.bytes() + one.bytes();
      many.exchange(1, one, 0);
      assertThat(many.bytes() + one.bytes()).isEqualTo(bytes);
      assertThat(one.position(0)).isEqualTo(5);
      assertThat(many.position(1)).isEqualTo(33);
      assertThat(logits(one, 0)).isEqualTo(logits(control, 1));
      assertThat(logits(many, 1)).isEqualTo(logits(alone, 0));
      many.exchange(2, one, 0);
      assertThat(one.position(0)).isZero();
      assertThatIllegalStateException().isThrownBy(() -> logits(one, 0));
      many.exchange(0, many, 2);
      many.exchange(1, many, 1);
      assertThat(many.position(0)).isEqualTo(5);
      assertThat(many.position(1)).isEqualTo(33);
      assertThat(many.position(2)).isEqualTo(70);
      many.step(7, -1, 8);
      control.step(8, 7, -1);
      assertClose(logits(many, 0), logits(control, 1));
      assertClose(logits(many, 2), logits(control, 0));
      one.append(text(4, 90));
      assertThat(logits(one, 0)).isEqualTo(alone(model, text(4, 90)));
    }
  }

  /** Free rows at the end are not gone over. */
  @Test
  void rowsWithoutTokensAtTheEndChangeNothing() {
    LanguageModel model = model(config(true), WeightType.FLOAT32, 1);
    try (Session wide = model.newSession(7, SessionOptions.DEFAULT);
        Session narrow = model.newSession(2, SessionOptions.DEFAULT)) {
      wide.append(new int[][] {{}, {}, {}, {}, {}, text(5, 40), {}});
      wide.append(new int[][] {text(1, 300), text(2, 9), {}, {}, {}, {}, {}});
      narrow.append(new int[][] {text(1, 300), text(2, 9)});
      assertThat(logits(wide, 0)).isEqualTo(logits(narrow, 0));
      assertThat(logits(wide, 1)).isEqualTo(logits(narrow, 1));
      assertClose(logits(wide, 5), alone(model, text(5, 40)));
      assertThat(wide.position(2)).isZero();
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    LanguageModel model = model(config(true), WeightType.FLOAT32, 1);
    LanguageModel like = model(config(true), WeightType.FLOAT32, 1);
    SessionOptions smaller =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(50));
    try (Session session = model.newSession();
        Session foreign = like.newSession();
        Session small = model.newSession(1, smaller);
        Session other = model.newSession()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.exchange(0, foreign, 0))
          .withMessage("expected a session of this model, got another's");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.exchange(0, small, 0))
          .withMessageContaining("at most 32768 tokens, got one of FLOAT32 and 50");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.exchange(0, other, 1))
          .withMessage("expected a row in 0..0, got 1");
      try (Session.Mark mark = other.mark()) {
        assertThatIllegalStateException()
            .isThrownBy(() -> session.exchange(0, other, 0))
            .withMessage("expected no open mark of this session, got one");
      }
      session.exchange(0, other, 0);
    }
  }
}
