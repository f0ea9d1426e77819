package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;

/** What callbacks of sessions may do, and what comes of it when they throw. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SessionCallbacksTest extends SessionFixture {
  private static final int PIECE = 512;

  private LanguageModel model;

  @BeforeEach
  void openModel() {
    model = model(twoLayers(), WeightType.BFLOAT16, 1);
  }

  /** What a callback throws ends the call behind its piece of tokens; the session goes on. */
  @Test
  void aCallbackThatThrowsLeavesAWholeSession() {
    int[] text = text(1, 2 * PIECE + 100);
    float[] expected = alone(model, text);
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
                            SessionCallbacksTest.<RuntimeException>sneak(thrown);
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
        assertClose(logits(session, 0), alone(model, whole));
      }
    }
    assertClose(alone(model, text), expected);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }

  /** Another session of the same model, of the same shape even, is another's business. */
  @Test
  void callbacksMayRunOtherSessions() {
    int[] text = text(1, 200);
    int[] unlike = text(2, 200);
    double[][] seen = new double[text.length][];
    double[][] inner = new double[text.length][];
    double[][] expected = new double[text.length][];
    try (Session session = model.newSession();
        Session other = model.newSession();
        Session third = model.newSession()) {
      session.append(
          one(text),
          (row, position, logits) -> {
            int at = (int) position;
            seen[at] = logits.clone();
            if (at == 20) { // of the very shape of the call that is under way
              third.append(one(unlike), (r, p, l) -> {});
            }
            if (at % 50 == 0) {
              other.append(
                  one(Arrays.copyOfRange(text, at, at + 50)),
                  (r, p, l) -> inner[(int) p] = l.clone());
            }
          });
    }
    try (Session session = model.newSession()) {
      session.append(
          one(text), (row, position, logits) -> expected[(int) position] = logits.clone());
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
      assertClose(logits(session, 0), alone(model, tokens));
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
    Engine own = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
    try (LanguageModel other = LanguageModel.random(own, twoLayers(), WeightType.BFLOAT16, 1);
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
    try (Engine other = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
        LanguageModel teacher = LanguageModel.random(other, twoLayers(), WeightType.BFLOAT16, 1)) {
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

  private static int[][] one(int[] row) {
    return new int[][] {row};
  }
}
