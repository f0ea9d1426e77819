package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.WeightType;

/** Calls of sessions that end early, and what they leave. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SessionCallsTest extends SessionFixture {
  private static final int PIECE = 512;

  private LanguageModel model;

  @BeforeEach
  void openModel() {
    model = model(twoLayers(), WeightType.BFLOAT16, 1);
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
            session -> session.append(form, one(text(2, 600))),
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
                () -> session.append(new ChunkwiseForm(), one(new int[] {1})),
                () -> session.step(1),
                session::fork,
                session::mark,
                () -> session.rollback(mark),
                () -> session.position(0),
                () -> session.state(0),
                () -> session.append(one(new int[] {1}), (row, position, logits) -> {}),
                () -> logits(session, 0))) {
          assertThatIllegalStateException()
              .isThrownBy(use::run)
              .withMessageContainingAll("half-way", "this session cannot go on");
        }
      }
    }
    assertThat(alone(model, 1, 2, 3)).isEqualTo(alone(model, 1, 2, 3)); // the model serves others
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
      assertClose(logits(session, 0), alone(model, Arrays.copyOf(text, read)));
      assertClose(logits(session, 1), alone(model, rows[1]));
      session.append(new int[][] {Arrays.copyOfRange(text, read, text.length), {}});
      assertClose(logits(session, 0), alone(model, text));
    }
  }

  @Test
  void anInterruptFromOutsideEndsALongAppend() throws Exception {
    DecoderConfig endless = DecoderConfig.of(VOCABULARY, 32, List.of(RETENTION));
    try (LanguageModel retNet = LanguageModel.random(engine, endless, WeightType.BFLOAT16, 1);
        Session session = retNet.newSession()) {
      AtomicBoolean cancelled = new AtomicBoolean();
      CountDownLatch begun = new CountDownLatch(1);
      Thread reading =
          new Thread(
              () -> {
                try {
                  session.append(
                      new int[][] {text(1, 20_000_000)}, (row, at, logits) -> begun.countDown());
                } catch (CancellationException e) {
                  cancelled.set(Thread.currentThread().isInterrupted());
                }
              });
      reading.start();
      begun.await();
      reading.interrupt();
      reading.join();
      assertThat(cancelled).isTrue();
      int read = (int) session.position(0);
      assertThat(read).isBetween(1, 19_999_999);
      session.step(3);
      assertThat(session.position(0)).isEqualTo(read + 1);
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
      assertClose(logits(session, 0), alone(model, 1, 2, 3, 4));
    }
  }

  /** Two sessions of a model that differ in nothing but their products have bindings apart. */
  @Test
  void roundedProductsAreThoseSessionsThatAskedForThem() {
    assumeThat(engine.multipliesBfloat16()).as("bf16 products on this processor").isTrue();
    int[] text = text(1, 128);
    float[] exact = alone(model, text);
    SessionOptions options = SessionOptions.DEFAULT.withBfloat16Prefill(true);
    float[] rounded;
    try (LanguageModel own = LanguageModel.random(engine, twoLayers(), WeightType.BFLOAT16, 1);
        Session session = own.newSession(1, options)) {
      session.append(text);
      rounded = logits(session, 0);
    }
    assertThat(difference(rounded, exact)).isGreaterThan(CLOSE);
    try (Session session = model.newSession(1, options)) {
      session.append(text);
      assertThat(logits(session, 0)).isEqualTo(rounded);
    }
    assertThat(alone(model, text)).isEqualTo(exact);
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
      assertClose(logits(session, 0), alone(model, 1, 2, 3));
    }
  }

  private static int[][] one(int[] row) {
    return new int[][] {row};
  }
}
