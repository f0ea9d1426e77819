package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.generate.Scorer;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** What sessions hold and keep of what they did, and what they refuse. */
class SessionLimitsTest extends SessionFixture {
  private LanguageModel retNet;
  private LanguageModel hybrid;

  @BeforeEach
  void openModels() {
    retNet = model(config(false), WeightType.FLOAT32, 1);
    hybrid = model(config(true), WeightType.BFLOAT16, 2);
  }

  /** A RetNet's session does not grow; a cache grows up to its limit and no further. */
  @Test
  void memoryIsWhatItSays() {
    try (Session session = retNet.newSession()) {
      session.append(text(1, 10));
      long bytes = session.bytes();
      session.append(text(2, 3000));
      assertThat(session.bytes()).isEqualTo(bytes);
    }
    KvCacheOptions small = new KvCacheOptions(600, 0);
    DecoderConfig seesAll = config(true, AttentionConfig.UNBOUNDED);
    try (LanguageModel model = LanguageModel.random(engine, seesAll, WeightType.FLOAT32, 2);
        Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(small))) {
      long empty = session.bytes();
      session.append(text(1, 10));
      long one = session.bytes();
      session.append(text(2, 290));
      long two = session.bytes();
      session.append(text(2, 300));
      // Blocks of 256 tokens: 1, then 2, then the 3 that hold 600.
      assertThat(two - empty).isEqualTo(2 * (one - empty));
      assertThat(session.bytes() - empty).isEqualTo(3 * (one - empty));
      float[] full = logits(session, 0);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.step(1))
          .withMessageContainingAll("at most 600", "got 601");
      assertThatIllegalArgumentException().isThrownBy(() -> session.append(1, 2));
      assertThat(logits(session, 0)).isEqualTo(full);
      assertThat(session.position(0)).isEqualTo(600);
    }
  }

  /** However many shapes a model is used in, what it keeps of them is bounded. */
  @Test
  @Tag("alone")
  void bindingsAreForgotten() {
    int[] text = text(5, 40);
    float[] expected = alone(hybrid, text);
    long most = 0;
    for (int round = 0; round < 3; round++) {
      for (int batch = 1; batch <= 20; batch++) {
        try (Session session = hybrid.newSession(batch, SessionOptions.DEFAULT)) {
          int[][] rows = new int[batch][];
          Arrays.fill(rows, text);
          session.append(rows);
          assertClose(logits(session, batch - 1), expected);
        }
        if (round == 0) {
          most = Math.max(most, HeldMemory.liveBytes());
        }
      }
    }
    // A lane makes room for weights of a part when it runs one first: 64 inputs of 64 outputs.
    long lanes = 2 * (4 * 64 * 64 + 64);
    assertThat(HeldMemory.liveBytes()).isLessThanOrEqualTo(most + lanes);
  }

  /** A batch of long prompts is cut into shorter ones: buffers do not grow with the batch. */
  @Test
  void microBatchesOfABatchAreShorter() {
    MicroBatches chunks = hybrid.microBatches(new ChunkwiseForm());
    assertThat(chunks.tokens(512, 1)).isEqualTo(512);
    assertThat(chunks.tokens(512, 4)).isEqualTo(128);
    assertThat(chunks.tokens(7, 64)).isEqualTo(7);
    assertThat(chunks.tokens(1025, 1)).isEqualTo(384);
    MicroBatches any = hybrid.microBatches(new RecurrentForm());
    assertThat(any.tokens(500, 64)).isEqualTo(64);
    assertThat(any.tokens(1025, 1)).isEqualTo(512);
    assertThat(hybrid.microBatches(new ParallelForm()).tokens(3000, 4)).isEqualTo(3000);
  }

  /** A text that a cache does not hold is refused before anything of it is scored. */
  @Test
  void scoresNothingOfATextThatDoesNotFit() {
    DecoderConfig seesAll = config(true, AttentionConfig.UNBOUNDED);
    KvCacheOptions small = new KvCacheOptions(40, 0);
    try (LanguageModel model = LanguageModel.random(engine, seesAll, WeightType.FLOAT32, 2);
        Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(small))) {
      Scorer scorer = new Scorer(session);
      scorer.accept(text(1, 30), logProbability -> {});
      double before = scorer.perplexity();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scorer.accept(text(2, 11), logProbability -> fail("scored")))
          .withMessageContainingAll("at most 40", "got 41");
      assertThat(scorer.count()).isEqualTo(29);
      assertThat(scorer.perplexity()).isEqualTo(before);
      scorer.accept(text(2, 10), logProbability -> {});
      assertThat(scorer.count()).isEqualTo(39);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> retNet.newSession(0, SessionOptions.DEFAULT));
    try (Session session = retNet.newSession(2, SessionOptions.DEFAULT)) {
      assertThatThrownBy(() -> logits(session, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no token yet");
      assertThatIllegalArgumentException().isThrownBy(() -> session.append(1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.append((int[][]) null))
          .withMessageContainingAll("2 rows", "got null");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.append(new int[][] {{1}, null}))
          .withMessageContaining("row 1");
      assertThatIllegalArgumentException().isThrownBy(() -> session.step(1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.append(new int[][] {{1, 2}, {3, 61}}))
          .withMessageContainingAll("0..60", "got 61 in row 1");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.append(new int[][] {{1, -2}, {3}}))
          .withMessageContaining("got -2");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.step(61, 0))
          .withMessageContaining("got 61");
      assertThat(session.position(0)).isZero();
      assertThatIllegalArgumentException().isThrownBy(() -> session.select());
      assertThatIllegalArgumentException().isThrownBy(() -> session.select(2));
      assertThatIllegalArgumentException().isThrownBy(() -> session.state(3));
      assertThatIllegalArgumentException().isThrownBy(() -> logits(session, 2));
      session.step(1, 2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.logits(1, new float[60]))
          .withMessageContainingAll("room for 61", "got 60");
    }
    Session closed = retNet.newSession();
    closed.close();
    closed.close();
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(closed::bytes);
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> closed.step(1))
        .withMessageContaining("closed");
  }

  /** A model that is closed under a session says so, and nothing crashes. */
  @Test
  void refusesToGoOnWithoutItsModel() {
    LanguageModel model = LanguageModel.random(engine, config(true), WeightType.INT8, 2);
    try (Session session = model.newSession()) {
      session.append(1, 2, 3);
      model.close();
      assertThatThrownBy(() -> session.step(1)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.step(1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("language model is closed");
      assertThatThrownBy(model::newSession).isInstanceOf(IllegalStateException.class);
    }
  }
}
