package org.retention4j.model;

import org.retention4j.nn.MicroBatches;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Activation;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.NativeMemory;
import org.retention4j.engine.Provider;
import org.retention4j.engine.WeightType;

/** Sessions whose calls end early, and what callbacks may do. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SessionCallsTest {
  private static final int VOCABULARY = 61;
  private static final int PIECE = 512;
  private static final double CLOSE = 5e-6;

  private long before;
  private Engine engine;
  private LanguageModel model;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);

  private static DecoderConfig config() {
    LayerConfig attention =
        new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU);
    return DecoderConfig.of(VOCABULARY, 32, DecoderConfig.everyKth(2, RETENTION, 2, attention));
  }

  private static LanguageModel model(Engine engine) {
    return LanguageModel.random(engine, config(), WeightType.BFLOAT16, 1);
  }

  @BeforeEach
  void make() {
    before = NativeMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 2, Provider.VECTOR);
    model = model(engine);
  }

  @AfterEach
  void freesEverything() {
    model.close();
    engine.close();
    assertThat(NativeMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  private static int[][] one(int[] row) {
    return new int[][] {row};
  }

  private static float[] logits(Session session, int row) {
    float[] logits = new float[VOCABULARY];
    session.logits(row, logits);
    return logits;
  }

  private float[] alone(int... tokens) {
    try (Session session = model.newSession()) {
      session.append(tokens);
      return logits(session, 0);
    }
  }

  private static double difference(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(difference(actual, expected)).isLessThan(CLOSE);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }

  /** A form that fails when it is told to, in the last head. */
  private record Failing(AtomicBoolean fails) implements RetentionForm {
    @Override
    public String name() {
      return "failing";
    }

    @Override
    public MicroBatches microBatches() {
      return new ChunkwiseForm().microBatches();
    }

    @Override
    public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
      HeadKernel kernel = new ChunkwiseForm().prepare(lane, keyWidth, valueWidth);
      return pass -> {
        if (fails.get() && pass.head() == 1) {
          throw new OutOfMemoryError("test");
        }
        kernel.advance(pass);
      };
    }
  }

  /** Half of the heads have seen the tokens: nobody may take them for a whole. */
  @Test
  void aCallThatFailsHalfWayEndsTheSession() {
    AtomicBoolean fails = new AtomicBoolean();
    Failing form = new Failing(fails);
    SessionOptions options = SessionOptions.DEFAULT.withForm(form);
    List<java.util.function.Consumer<Session>> calls =
        List.of(
            session -> session.append(4, 5),
            session -> session.append(4),
            session -> session.append(form, one(text(2, 600)), null),
            session -> session.append(one(text(2, 5)), (row, position, logits) -> {}),
            session -> session.step(4));
    for (var call : calls) {
      try (Session session = model.newSession(1, options)) {
        session.append(1, 2, 3);
        Session.Mark mark = session.mark();
        fails.set(true);
        assertThatThrownBy(() -> call.accept(session)).isInstanceOf(OutOfMemoryError.class);
        fails.set(false);
        for (Runnable use :
            List.<Runnable>of(
                () -> call.accept(session),
                () -> session.append(new ChunkwiseForm(), one(new int[] {1}), null),
                () -> session.step(1),
                session::fork,
                session::mark,
                () -> session.rollback(mark),
                () -> session.position(0),
                () -> logits(session, 0))) {
          assertThatIllegalStateException()
              .isThrownBy(use::run)
              .withMessageContainingAll("half-way", "cannot go on");
        }
      }
    }
    assertThat(alone(1, 2, 3)).isEqualTo(alone(1, 2, 3)); // the model serves others
  }

  /** What a callback throws ends the call behind its piece of tokens; the session goes on. */
  @Test
  void aCallbackThatThrowsLeavesAWholeSession() {
    int[] text = text(1, 2 * PIECE + 100);
    float[] expected = alone(text);
    for (Throwable thrown :
        List.of(new IOException("checked"), new IllegalStateException(), new AssertionError())) {
      try (Session session = model.newSession(2, SessionOptions.DEFAULT)) {
        session.append(new int[][] {{1, 2}, {3}});
        float[] other = logits(session, 1);
        int[][] rows = {text, {}};
        assertThatThrownBy(
                () ->
                    session.append(
                        rows,
                        (row, position, logits) -> {
                          if (position == 300) {
                            SessionCallsTest.<RuntimeException>sneak(thrown);
                          }
                        }))
            .isSameAs(thrown);
        int read = (int) session.position(0) - 2;
        assertThat(read).isGreaterThanOrEqualTo(299).isLessThan(text.length);
        assertThatIllegalStateException()
            .isThrownBy(() -> logits(session, 0))
            .withMessageContaining("ended before its last");
        assertThat(logits(session, 1)).isEqualTo(other);
        session.append(new int[][] {Arrays.copyOfRange(text, read, text.length), {}});
        assertThat(session.position(0)).isEqualTo(2 + text.length);
        int[] whole = new int[2 + text.length];
        whole[0] = 1;
        whole[1] = 2;
        System.arraycopy(text, 0, whole, 2, text.length);
        assertClose(logits(session, 0), alone(whole));
      }
    }
    assertClose(alone(text), expected);
  }

  /** Another session of the same model, of the same shape even, is another's business. */
  @Test
  void callbacksMayRunOtherSessions() {
    int[] text = text(1, 200);
    double[][] seen = new double[text.length][];
    double[][] inner = new double[text.length][];
    double[][] expected = new double[text.length][];
    try (Session session = model.newSession();
        Session other = model.newSession()) {
      session.append(
          one(text),
          (row, position, logits) -> {
            int at = (int) position;
            seen[at] = logits.clone();
            if (at % 50 == 0) {
              other.append(
                  one(Arrays.copyOfRange(text, at, at + 50)),
                  (r, p, l) -> inner[(int) p] = l.clone());
            }
          });
    }
    try (Session session = model.newSession()) {
      session.append(one(text), (row, position, logits) -> expected[(int) position] = logits.clone());
    }
    assertThat(seen).isDeepEqualTo(expected);
    for (int i = 0; i < text.length; i++) {
      assertClose(narrow(inner[i]), narrow(expected[i]));
    }
  }

  private static float[] narrow(double[] wide) {
    float[] narrow = new float[wide.length];
    for (int i = 0; i < wide.length; i++) {
      narrow[i] = (float) wide[i];
    }
    return narrow;
  }

  @Test
  void callbacksMayNotUseTheirOwnSession() {
    try (Session session = model.newSession()) {
      List<Runnable> uses =
          List.of(
              () -> session.step(1),
              () -> session.append(1, 2),
              session::fork,
              session::mark,
              session::close,
              () -> logits(session, 0));
      int[] tokens = text(1, uses.size());
      session.append(
          one(tokens),
          (row, position, logits) ->
              assertThatIllegalStateException()
                  .isThrownBy(uses.get((int) position)::run)
                  .withMessageContainingAll("middle of a call", "callback"));
      assertThat(session.position(0)).isEqualTo(uses.size());
      assertClose(logits(session, 0), alone(tokens));
    }
  }

  /** A model or an engine that is closed in a callback ends the call, and nothing crashes. */
  @Test
  void aCallbackMayCloseTheModel() {
    try (Session session = model.newSession()) {
      assertThatIllegalStateException()
          .isThrownBy(
              () -> session.append(one(text(1, 300)), (row, position, logits) -> model.close()))
          .withMessageContaining("language model is closed");
      assertThatIllegalStateException().isThrownBy(() -> session.step(1));
    }
    Engine own = Engine.create(ElementType.FLOAT32, 2, Provider.VECTOR);
    try (LanguageModel other = model(own);
        Session session = other.newSession()) {
      assertThatIllegalStateException()
          .isThrownBy(
              () -> session.append(one(text(1, 300)), (row, position, logits) -> own.close()))
          .withMessageContaining("engine is closed");
    }
  }

  /** A student asks a teacher in its callback, and on another thread the other way round. */
  @Test
  void twoEnginesMayAskEachOther() throws Exception {
    try (Engine other = Engine.create(ElementType.FLOAT32, 2, Provider.PLAIN);
        LanguageModel teacher = model(other)) {
      CyclicBarrier both = new CyclicBarrier(2);
      AtomicInteger asked = new AtomicInteger();
      Thread[] threads = {
        new Thread(() -> compare(model, teacher, both, asked)),
        new Thread(() -> compare(teacher, model, both, asked))
      };
      for (Thread thread : threads) {
        thread.setDaemon(true);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join(TimeUnit.SECONDS.toMillis(20));
        assertThat(thread.isAlive()).isFalse();
      }
      assertThat(asked).hasValue(6);
    }
  }

  private static void compare(
      LanguageModel student, LanguageModel teacher, CyclicBarrier both, AtomicInteger asked) {
    try (Session s = student.newSession();
        Session t = teacher.newSession()) {
      int[] tokens = {1, 2, 3};
      s.append(
          one(tokens),
          (row, position, logits) -> {
            if (position == 0) {
              await(both);
            }
            t.step(tokens[(int) position]);
            asked.incrementAndGet();
          });
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An interrupt ends an append behind a piece, with the logits of where it stands. */
  @Test
  void anInterruptEndsAnAppendBehindAPiece() {
    int[] text = text(1, 4 * PIECE);
    try (Session session = model.newSession(2, SessionOptions.DEFAULT)) {
      int[][] rows = {text, text(2, 7)};
      assertThatThrownBy(
              () ->
                  session.append(
                      rows,
                      (row, position, logits) -> {
                        if (row == 0 && position == 300) {
                          Thread.currentThread().interrupt();
                        }
                      }))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("of " + text.length + " tokens");
      assertThat(Thread.interrupted()).isTrue();
      int read = (int) session.position(0);
      assertThat(read).isGreaterThan(300).isLessThan(text.length);
      assertThat(session.position(1)).isEqualTo(7);
      assertClose(logits(session, 0), alone(Arrays.copyOf(text, read)));
      assertClose(logits(session, 1), alone(rows[1]));
      session.append(new int[][] {Arrays.copyOfRange(text, read, text.length), {}});
      assertClose(logits(session, 0), alone(text));
    }
  }

  @Test
  void anInterruptFromOutsideEndsALongAppend() throws Exception {
    DecoderConfig endless = DecoderConfig.of(VOCABULARY, 32, List.of(RETENTION));
    try (LanguageModel retNet = LanguageModel.random(engine, endless, WeightType.BFLOAT16, 1);
        Session session = retNet.newSession()) {
      AtomicBoolean cancelled = new AtomicBoolean();
      Thread reading =
          new Thread(
              () -> {
                try {
                  session.append(text(1, 20_000_000));
                } catch (CancellationException e) {
                  cancelled.set(Thread.currentThread().isInterrupted());
                }
              });
      reading.start();
      Thread.sleep(100);
      reading.interrupt();
      reading.join();
      assertThat(cancelled).isTrue();
      int read = (int) session.position(0);
      assertThat(read).isLessThan(20_000_000);
      if (read > 0) {
        session.step(3);
        assertThat(session.position(0)).isEqualTo(read + 1);
      }
    }
  }

  /** In a thread that is interrupted already nothing is read; a step, which is short, is taken. */
  @Test
  void anInterruptedThreadReadsNothing() {
    try (Session session = model.newSession()) {
      session.append(1, 2, 3);
      float[] expected = logits(session, 0);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> session.append(4, 5))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("after 0 of 2");
      assertThat(session.position(0)).isEqualTo(3);
      assertThat(logits(session, 0)).isEqualTo(expected);
      session.step(4);
      session.append(new int[][] {{}});
      assertThat(Thread.interrupted()).isTrue();
      assertThat(session.position(0)).isEqualTo(4);
      assertClose(logits(session, 0), alone(1, 2, 3, 4));
    }
  }

  /** Two sessions of a model that differ in nothing but their products have bindings apart. */
  @Test
  void roundedProductsAreThoseSessionsThatAskedForThem() {
    assumeThat(engine.multipliesBfloat16()).as("bf16 products on this processor").isTrue();
    int[] text = text(1, 128);
    float[] exact = alone(text);
    SessionOptions options = SessionOptions.DEFAULT.withBfloat16Prefill(true);
    float[] rounded;
    try (LanguageModel own = model(engine);
        Session session = own.newSession(1, options)) {
      session.append(text);
      rounded = logits(session, 0);
    }
    assertThat(difference(rounded, exact)).isGreaterThan(CLOSE);
    try (Session session = model.newSession(1, options)) {
      session.append(text);
      assertThat(logits(session, 0)).isEqualTo(rounded);
    }
    assertThat(alone(text)).isEqualTo(exact);
  }

  /** What a row has not seen it has no logits of, after a return to then too. */
  @Test
  void aRollbackForgetsThatThereWereLogits() {
    try (Session session = model.newSession();
        Session.Mark empty = session.mark()) {
      session.append(1, 2);
      session.rollback(empty);
      assertThatIllegalStateException().isThrownBy(() -> logits(session, 0));
      session.append(1, 2, 3);
      assertClose(logits(session, 0), alone(1, 2, 3));
    }
  }
}
