package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** What sessions promise: any form, batches, forks, rollbacks, threads. */
class SessionTest extends SessionFixture {
  private LanguageModel retNet;
  private LanguageModel hybrid;

  @BeforeEach
  void openModels() {
    retNet = model(config(false), WeightType.FLOAT32, 1);
    hybrid = model(config(true), WeightType.BFLOAT16, 2);
  }

  /** Any mix of forms, chosen call by call, gives what one form gives for the whole. */
  @Test
  void everyCallMayChooseItsForm() {
    int[] text = text(5, 200);
    List<RetentionForm> forms =
        List.of(new ParallelForm(), new RecurrentForm(), new ChunkwiseForm(16));
    for (LanguageModel model : List.of(retNet, hybrid)) {
      float[] expected = alone(model, text);
      for (int first = 0; first < forms.size(); first++) {
        try (Session session = model.newSession()) {
          int[] ends = {1, 64, 65, 130, 200};
          int from = 0;
          for (int i = 0; i < ends.length; i++) {
            int[][] piece = {Arrays.copyOfRange(text, from, ends[i])};
            session.append(forms.get((first + i) % forms.size()), piece);
            from = ends[i];
          }
          assertThat(session.position(0)).isEqualTo(200);
          assertClose(logits(session, 0), expected);
        }
      }
    }
  }

  /** Rows of different lengths in one batch, and rows that end early. */
  @Test
  void rowsOfABatchAreIndependent() {
    for (LanguageModel model : List.of(retNet, hybrid)) {
      int[][] texts = {text(1, 63), text(2, 1), text(3, 130), text(4, 7)};
      try (Session session = model.newSession(4, SessionOptions.DEFAULT)) {
        session.append(texts);
        for (int b = 0; b < 4; b++) {
          assertThat(session.position(b)).isEqualTo(texts[b].length);
          assertClose(logits(session, b), alone(model, texts[b]));
        }
        float[] ended = logits(session, 1);
        session.step(5, -1, 7, -1);
        session.append(new int[][] {{9}, {}, {8, 8}, {}});
        assertThat(logits(session, 1)).isEqualTo(ended);
        assertThat(session.position(1)).isEqualTo(1);
        int[] longer = java.util.Arrays.copyOf(texts[2], 133);
        longer[130] = 7;
        longer[131] = 8;
        longer[132] = 8;
        assertClose(logits(session, 2), alone(model, longer));
      }
    }
  }

  @Test
  void forksGoOnBitForBit() {
    for (LanguageModel model : List.of(retNet, hybrid)) {
      try (Session session = model.newSession(2, SessionOptions.DEFAULT)) {
        session.append(new int[][] {text(1, 40), text(2, 33)});
        session.step(3, 4);
        try (Session fork = session.fork();
            Session beams = session.select(1, 1, 0)) {
          assertThat(logits(fork, 1)).isEqualTo(logits(session, 1));
          assertThat(logits(beams, 0)).isEqualTo(logits(session, 1));
          session.step(5, 6);
          fork.step(5, 6);
          beams.step(6, 7, 5);
          for (int b = 0; b < 2; b++) {
            assertThat(logits(fork, b)).isEqualTo(logits(session, b));
          }
          assertClose(logits(beams, 0), logits(session, 1));
          assertClose(logits(beams, 2), logits(session, 0));
          assertThat(logits(beams, 1)).isNotEqualTo(logits(beams, 0));
        }
      }
    }
  }

  @Test
  void rollsBackToAnyOpenMark() {
    for (LanguageModel model : List.of(retNet, hybrid)) {
      try (Session session = model.newSession()) {
        session.append(text(1, 25));
        Session.Mark first = session.mark();
        float[] expected = logits(session, 0);
        session.step(9);
        float[] after = logits(session, 0);
        Session.Mark second = session.mark();
        session.append(text(5, 300));
        session.rollback(second);
        assertThat(logits(session, 0)).isEqualTo(after);
        session.append(text(6, 30));
        session.rollback(first);
        assertThat(session.position(0)).isEqualTo(25);
        assertThat(logits(session, 0)).isEqualTo(expected);
        assertThatIllegalArgumentException()
            .isThrownBy(() -> session.rollback(second))
            .withMessageContaining("one that ended");
        session.step(9);
        assertThat(logits(session, 0)).isEqualTo(after);
        session.rollback(first);
        session.step(9);
        assertThat(logits(session, 0)).isEqualTo(after);
        first.close();
        first.close();
        assertThatIllegalArgumentException().isThrownBy(() -> session.rollback(first));
        try (Session other = model.newSession();
            Session.Mark foreign = other.mark()) {
          assertThatIllegalArgumentException()
              .isThrownBy(() -> session.rollback(foreign))
              .withMessageContaining("another session");
        }
      }
    }
  }

  /** Sixteen sessions on eight threads: each gets the bits it gets alone. */
  @Test
  void sessionsDoNotDisturbEachOther() throws Exception {
    for (LanguageModel model : List.of(retNet, hybrid)) {
      List<float[]> expected = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        expected.add(story(model, i));
      }
      ExecutorService threads = Executors.newFixedThreadPool(8);
      try {
        List<Future<float[]>> results = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          int seed = i;
          results.add(threads.submit(() -> story(model, seed)));
        }
        for (int i = 0; i < 16; i++) {
          assertThat(results.get(i).get()).isEqualTo(expected.get(i));
        }
      } finally {
        threads.shutdown();
      }
    }
  }

  private float[] story(LanguageModel model, int seed) {
    try (Session session = model.newSession()) {
      session.append(text(seed, 10 + 17 * seed));
      for (int token : text(100 + seed, 20)) {
        session.step(token);
      }
      return logits(session, 0);
    }
  }

  @Test
  void layersFollowAPattern() {
    DecoderConfig config = config(true);
    assertThat(config.layers().stream().map(layer -> layer.mixer().kind()))
        .containsExactly("retention", "attention", "retention", "attention");
    LayerConfig a = config.layers().get(0);
    LayerConfig b = config.layers().get(1);
    assertThat(DecoderConfig.atIndices(3, a, java.util.Set.of(0, 2), b)).containsExactly(b, a, b);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DecoderConfig.atIndices(3, a, java.util.Set.of(3), b));
    // 2 · (8·32² + 32 + 3·32·40 + 2·32) + 2 · (2·32·8·6 + 8·8 + 3·32·40 + 2·32) + 2·61·32 + 32
    assertThat(config.parameters())
        .isEqualTo(2 * (8192 + 32 + 3840 + 64) + 2 * (3072 + 64 + 3840 + 64) + 3904 + 32);
    assertThat(a.mixer().stateElements()).isEqualTo(2 * 16 * 32);
    assertThat(b.mixer().stateElements()).isZero();
    // For each of 7 tokens a key and a value of 8 in each of 2 heads; of 700 a window shows 20.
    assertThat(b.mixer().cacheElements(7)).isEqualTo(7 * 2 * 2 * 8);
    assertThat(b.mixer().cacheElements(700)).isEqualTo(20 * 2 * 2 * 8);
    assertThat(a.mixer().cacheElements(700)).isZero();
  }
}
