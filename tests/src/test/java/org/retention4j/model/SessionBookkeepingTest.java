package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionState;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.stack.TokenLogits;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** What a session says of itself: bytes, room, positions, states, and what its options are. */
class SessionBookkeepingTest {
  private static final int VOCABULARY = 17;
  private static final int D = 32;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(D, 2), 40, Activation.SILU);
  private static final LayerConfig ATTENTION =
      new LayerConfig(AttentionConfig.multiHead(D, 2), 40, Activation.SILU);

  private long before;
  private Engine engine;
  private LanguageModel retNet;
  private LanguageModel hybrid;

  @BeforeEach
  void make() {
    before = HeldMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
    retNet = model(RETENTION, RETENTION);
    hybrid = model(RETENTION, ATTENTION);
  }

  private LanguageModel model(LayerConfig... layers) {
    DecoderConfig config = DecoderConfig.of(VOCABULARY, D, List.of(layers));
    return LanguageModel.random(engine, config, WeightType.FLOAT64, 1);
  }

  @AfterEach
  void freesEverything() {
    retNet.close();
    hybrid.close();
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private static double[] logits(Session session, int row) {
    double[] logits = new double[VOCABULARY];
    session.logits(row, logits);
    return logits;
  }

  /** Two layers of two heads of 16·32 numbers in each of three rows, and as much for each mark. */
  @Test
  void marksCountAmongTheBytesUntilTheyAreClosed() {
    try (Session session = retNet.newSession(3, SessionOptions.DEFAULT)) {
      long alone = session.bytes();
      assertThat(alone).isGreaterThanOrEqualTo(3 * 2 * 2 * 16 * 32 * Double.BYTES);
      Session.Mark first = session.mark();
      assertThat(session.bytes()).isEqualTo(2 * alone);
      Session.Mark second = session.mark();
      assertThat(session.bytes()).isEqualTo(3 * alone);
      first.close();
      assertThat(session.bytes()).isEqualTo(2 * alone);
      second.close();
      assertThat(session.bytes()).isEqualTo(alone);
      session.mark(); // freed with the session
    }
  }

  @Test
  void roomIsThatOfTheTightestLayer() {
    SessionOptions small = SessionOptions.DEFAULT.withCache(new KvCacheOptions(30, 0));
    try (Session session = hybrid.newSession(2, small)) {
      session.append(new int[][] {{1, 2, 3}, {}});
      assertThat(session.room(0)).isEqualTo(27);
      assertThat(session.room(1)).isEqualTo(30);
    }
    try (Session session = retNet.newSession()) {
      session.append(1, 2);
      assertThat(session.room(0)).isEqualTo(RetentionState.LARGEST_POSITION - 2);
    }
  }

  @Test
  void refusesRowsAndLayersThatItDoesNotHave() {
    try (Session session = hybrid.newSession(2, SessionOptions.DEFAULT)) {
      session.step(1, 2);
      for (int row : new int[] {-1, 2}) {
        refuses(() -> session.position(row), "row in 0..1", "got " + row);
        refuses(() -> session.room(row), "row in 0..1", "got " + row);
        refuses(() -> session.logits(row, new double[VOCABULARY]), "row in 0..1", "got " + row);
        refuses(() -> session.select(0, row), "a row in 0..1", "got " + row);
        refuses(() -> session.state(row), "layer in 0..1", "got " + row);
      }
      refuses(() -> session.state(1), "state of fixed size", "layer 1");
      refuses(() -> session.logits(0, new double[VOCABULARY - 1]), "room for 17", "got 16");
      assertThat(session.state(0).shape()).containsExactly(2, 2, 16, 32);
      session.logits(1, new double[VOCABULARY + 1]);
    }
  }

  private static void refuses(Runnable call, String... said) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContainingAll(said);
  }

  /** The first and the last token of a vocabulary are tokens; no row may have one behind it. */
  @Test
  void takesTheWholeVocabularyAndNoMore() {
    try (Session session = retNet.newSession(2, SessionOptions.DEFAULT)) {
      session.step(0, 16);
      session.append(new int[][] {{16}, {0}});
      assertThat(session.position(0)).isEqualTo(2);
      refuses(() -> session.step(0, 17), "0..16", "got 17 in row 1");
      refuses(() -> session.append(new int[][] {{0}, {17}}), "0..16", "got 17 in row 1");
      refuses(() -> session.append(new int[][] {{-1}, {0}}), "0..16", "got -1 in row 0");
      TokenLogits fails = (row, position, logits) -> fail("called for row " + row);
      refuses(() -> session.append(new int[][] {{0}, {17}}, fails), "0..16", "got 17 in row 1");
      refuses(() -> session.append(new int[][] {{0}}, fails), "2 rows", "got 1");
      refuses(() -> session.step((int[]) null), "2 tokens", "got null");
      refuses(() -> session.step(), "2 tokens", "got 0");
      assertThat(session.position(1)).isEqualTo(2);
    }
  }

  /** A step for a full row is refused; a row that takes no part in it may be full. */
  @Test
  void aFullRowStopsOnlyItsOwnTokens() {
    SessionOptions small = SessionOptions.DEFAULT.withCache(new KvCacheOptions(3, 0));
    try (Session session = hybrid.newSession(2, small)) {
      session.append(new int[][] {{1, 2, 3}, {4}});
      refuses(() -> session.step(5, 5), "at most 3", "got 4");
      refuses(() -> session.step(0, -1), "at most 3", "got 4");
      assertThat(session.position(1)).isEqualTo(1);
      session.step(-1, 5);
      session.append(new int[][] {{}, {6}});
      assertThat(session.room(1)).isZero();
    }
  }

  @Test
  void aNullFormOrMarkOrSelectionIsRefused() {
    try (Session session = retNet.newSession()) {
      refuses(() -> session.append(null, new int[][] {{1}}), "a form, got null");
      refuses(() -> session.append(new int[][] {{1}}, null), "logits, got null");
      refuses(() -> session.rollback(null), "a mark, got null");
      refuses(() -> session.select((int[]) null), "rows, got null");
      assertThat(session.position(0)).isZero();
    }
  }

  @Test
  void optionsLeaveNothingOut() {
    refuses(() -> retNet.newSession(1, null), "options of a session, got null");
    refuses(() -> SessionOptions.DEFAULT.withForm(null), "a form for prefill, got null");
    refuses(
        () -> new SessionOptions(new RecurrentForm(), null, false, KvCacheOptions.DEFAULT),
        "a form for decoding, got null");
    refuses(() -> SessionOptions.DEFAULT.withCache(null), "options of caches, got null");
    refuses(() -> KvCacheOptions.DEFAULT.withCacheType(null), "type of a cache, got null");
  }

  /** Each gets its own: a selection of rows that repeat keeps which have logits. */
  @Test
  void aSelectionKeepsWhichRowsHaveLogits() {
    try (Session session = retNet.newSession(2, SessionOptions.DEFAULT)) {
      session.append(new int[][] {{}, {3}});
      double[] expected = logits(session, 1);
      try (Session chosen = session.select(1, 0, 1)) {
        assertThat(chosen.batch()).isEqualTo(3);
        assertThat(logits(chosen, 0)).isEqualTo(expected);
        assertThat(logits(chosen, 2)).isEqualTo(expected);
        assertThatIllegalStateException()
            .isThrownBy(() -> logits(chosen, 1))
            .withMessageContaining("row 1");
      }
    }
  }

  /** Appending nothing at all is no token: what was known stays known. */
  @Test
  void nothingAppendedChangesNothing() {
    try (Session session = retNet.newSession()) {
      session.append(1, 2);
      double[] expected = logits(session, 0);
      session.append();
      session.step(-1);
      assertThat(logits(session, 0)).isEqualTo(expected);
      assertThat(session.position(0)).isEqualTo(2);
    }
  }

  /** The retention layer's state was made already when the cache is refused: it is freed. */
  @Test
  void aSessionThatCannotBeMadeLeavesNothing() {
    KvCacheOptions narrow = KvCacheOptions.DEFAULT.withCacheType(CacheType.FLOAT32);
    refuses(
        () -> hybrid.newSession(2, SessionOptions.DEFAULT.withCache(narrow)),
        "cache of FLOAT64",
        "got FLOAT32");
  }

  /** A call's own form changes neither what is refused nor when. */
  @Test
  void aFormOfTheCallsOwnIsCheckedAsAnyOther() {
    int[][] rows = {{1}, {2}};
    Session session = retNet.newSession(2, SessionOptions.DEFAULT);
    try (session) {
      refuses(() -> session.append(new ParallelForm(), new int[][] {{1}}), "2 rows", "got 1");
      refuses(() -> session.append(new ParallelForm(), new int[][] {{1}, {17}}), "got 17 in row 1");
      session.append(new ParallelForm(), rows);
      assertThat(session.position(1)).isEqualTo(1);
    }
    for (Runnable use :
        List.<Runnable>of(
            () -> session.append(new ParallelForm(), rows),
            () -> session.append(rows),
            () -> session.room(0),
            () -> session.position(0),
            () -> session.state(0),
            () -> session.logits(0, new float[VOCABULARY]),
            () -> session.logits(0, new double[VOCABULARY]),
            session::mark,
            session::fork)) {
      assertThatIllegalStateException().isThrownBy(use::run).withMessageContaining("closed");
    }
  }

  /** Counts how often a head is advanced in it. */
  private record Counted(AtomicInteger heads) implements RetentionForm {
    @Override
    public String name() {
      return "counted";
    }

    @Override
    public MicroBatches microBatches() {
      return MicroBatches.FULL;
    }

    @Override
    public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
      HeadKernel kernel = new RecurrentForm().prepare(lane, keyWidth, valueWidth);
      return pass -> {
        heads.incrementAndGet();
        kernel.advance(pass);
      };
    }
  }

  /** Prompts go through the one form, single tokens through the other, however they come. */
  @Test
  void promptsAndSingleTokensHaveTheirForms() {
    AtomicInteger prefill = new AtomicInteger();
    AtomicInteger decode = new AtomicInteger();
    SessionOptions options =
        new SessionOptions(
            new Counted(prefill), new Counted(decode), false, KvCacheOptions.DEFAULT);
    int perCall = 2 * 2 * 2; // two layers of two heads of two rows
    try (Session session = retNet.newSession(2, options)) {
      session.step(1, 2);
      session.append(new int[][] {{3}, {4}});
      assertThat(List.of(prefill.get(), decode.get())).containsExactly(0, 2 * perCall);
      session.append(new int[][] {{1, 2}, {3}});
      assertThat(List.of(prefill.get(), decode.get())).containsExactly(perCall, 2 * perCall);
    }
  }

  @Test
  void optionsChangeInOneThingOnly() {
    SessionOptions usual = SessionOptions.DEFAULT;
    assertThat(usual)
        .isEqualTo(
            new SessionOptions(
                new ChunkwiseForm(), new RecurrentForm(), false, KvCacheOptions.DEFAULT));
    KvCacheOptions cache = new KvCacheOptions(7, 1);
    assertThat(usual.withCache(cache))
        .isEqualTo(new SessionOptions(usual.prefill(), usual.decode(), false, cache));
    assertThat(usual.withBfloat16Prefill(true))
        .isEqualTo(new SessionOptions(usual.prefill(), usual.decode(), true, usual.cache()));
    ParallelForm one = new ParallelForm();
    assertThat(usual.withBfloat16Prefill(true).withForm(one))
        .isEqualTo(new SessionOptions(one, one, true, usual.cache()));
  }
}
