package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Activation;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NativeMemory;
import org.retention4j.engine.Provider;
import org.retention4j.engine.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.MicroBatches;
import org.retention4j.generate.Scorer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** What sessions promise: batches, forks, rollbacks, threads, limits, memory. */
class SessionTest {
  private static final int VOCABULARY = 61;

  private long before;
  private Engine engine;
  private LanguageModel retNet;
  private LanguageModel hybrid;

  private static DecoderConfig config(boolean attends) {
    return config(attends, 20);
  }

  private static DecoderConfig config(boolean attends, int window) {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(
            new AttentionConfig(32, 4, 2, 8, 10_000, window, true), 40, Activation.SILU);
    return DecoderConfig.of(
        VOCABULARY,
        32,
        attends
            ? DecoderConfig.everyKth(4, retention, 2, attention)
            : DecoderConfig.uniform(3, retention));
  }

  @BeforeEach
  void make() {
    before = NativeMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 2, Provider.VECTOR);
    retNet = LanguageModel.random(engine, config(false), WeightType.FLOAT32, 1);
    hybrid = LanguageModel.random(engine, config(true), WeightType.BFLOAT16, 2);
  }

  @AfterEach
  void freesEverything() {
    retNet.close();
    hybrid.close();
    hybrid.close();
    engine.close();
    assertThat(NativeMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  private static float[] logits(Session session, int row) {
    float[] logits = new float[VOCABULARY];
    session.logits(row, logits);
    return logits;
  }

  private static void assertClose(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / size)).isLessThan(5e-6);
  }

  private float[] alone(LanguageModel model, int... tokens) {
    try (Session session = model.newSession()) {
      session.append(tokens);
      return logits(session, 0);
    }
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
            session.append(forms.get((first + i) % forms.size()), piece, null);
            from = ends[i];
          }
          assertThat(session.position(0)).isEqualTo(200);
          assertClose(logits(session, 0), expected);
        }
      }
    }
  }

  /** However many shapes a model is used in, what it keeps of them is bounded. */
  @Test
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
          most = Math.max(most, NativeMemory.liveBytes());
        }
      }
    }
    // A lane makes room for weights of a part when it runs one first: 64 inputs of 64 outputs.
    long lanes = 2 * (4 * 64 * 64 + 64);
    assertThat(NativeMemory.liveBytes()).isLessThanOrEqualTo(most + lanes);
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

  /** A RetNet's session does not grow; a cache grows up to its limit and no further. */
  @Test
  void memoryIsWhatItSays() {
    try (Session session = retNet.newSession()) {
      session.append(text(1, 10));
      long bytes = session.bytes();
      session.append(text(2, 3000));
      assertThat(session.bytes()).isEqualTo(bytes);
    }
    KvCacheOptions small = new KvCacheOptions(600, 0, null);
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

  /** A text that a cache does not hold is refused before anything of it is scored. */
  @Test
  void scoresNothingOfATextThatDoesNotFit() {
    DecoderConfig seesAll = config(true, AttentionConfig.UNBOUNDED);
    KvCacheOptions small = new KvCacheOptions(40, 0, null);
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
          .hasMessageContaining("closed");
      assertThatThrownBy(model::newSession).isInstanceOf(IllegalStateException.class);
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
