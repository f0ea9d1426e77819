package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.internal.lanes.OpenMp;

/** What an engine's calls do to one another: those that throw, nest, wait, or begin deep. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EngineCallsTest {
  private static final int PARTS = 20;

  /** A stack of so many bytes holds some thousand frames. */
  private static final long SMALL_STACK = 200_000;

  private final Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);

  @AfterEach
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void closes() {
    assertServes(engine);
    engine.close();
  }

  private static void assertServes(Engine engine) {
    AtomicInteger ran = new AtomicInteger();
    engine.run(PARTS, (lane, i) -> ran.incrementAndGet());
    assertThat(ran).hasValue(PARTS);
  }

  /** Waits until both lanes have begun, then lets one of them do something. */
  private static Lanes.Task onLane(int index, Runnable work) {
    CyclicBarrier both = new CyclicBarrier(2);
    AtomicInteger begun = new AtomicInteger();
    return (lane, i) -> {
      if (begun.incrementAndGet() <= 2) {
        await(both);
        if (lane.index() == index) {
          work.run();
        }
      }
    };
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }

  private static int recurse(int depth) {
    return depth < 0 ? 0 : recurse(depth + 1) + 1; // never ends but by the end of the stack
  }

  /** Kotlin, Scala and Lombok throw checked exceptions anywhere. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void whateverALaneThrowsFailsTheCallAndNoOther(int lane) {
    IOException checked = new IOException("checked");
    assertThatThrownBy(
            () ->
                engine.run(
                    PARTS, onLane(lane, () -> EngineCallsTest.<RuntimeException>sneak(checked))))
        .isSameAs(checked);
    assertServes(engine);
    assertThatThrownBy(() -> engine.run(PARTS, onLane(lane, () -> recurse(0))))
        .isInstanceOf(StackOverflowError.class);
    assertServes(engine);
    OutOfMemoryError error = new OutOfMemoryError("test");
    assertThatThrownBy(
            () -> engine.run(1, (l, i) -> EngineCallsTest.<RuntimeException>sneak(error)))
        .isSameAs(error);
    assertServes(engine);
  }

  /** Of two engines that call each other from their lanes each would wait for the other. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aLaneCannotCallAnEngine(int lane) {
    try (Engine other = Engine.create(ElementType.FLOAT64, 2, ComputeRoute.PLAIN)) {
      for (Engine called : List.of(engine, other)) {
        List<Runnable> calls =
            List.of(
                () -> called.run(1, (l, i) -> {}),
                () -> called.run(PARTS, (l, i) -> {}),
                () -> called.exclusively(() -> {}),
                called::close);
        for (Runnable call : calls) {
          assertThatIllegalStateException()
              .isThrownBy(() -> engine.run(PARTS, onLane(lane, call)))
              .withMessageContaining("call of an engine");
          assertServes(engine);
        }
      }
      assertThatIllegalStateException()
          .isThrownBy(() -> engine.exclusively(() -> assertServes(other)))
          .withMessageContaining("call of an engine");
      assertThatIllegalStateException()
          .isThrownBy(() -> engine.exclusively(engine::close))
          .withMessageContaining("cannot be closed");
      assertServes(other);
    }
    engine.exclusively(() -> engine.exclusively(() -> assertServes(engine)));
  }

  /** Two forms that call the other's engine while they are prepared. */
  @Test
  void whatIsMadePerLaneIsMadeUnderNoLock() throws Exception {
    try (Engine other = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN)) {
      CyclicBarrier both = new CyclicBarrier(2);
      Thread[] threads = {
        new Thread(() -> makeAcross(engine, other, both)),
        new Thread(() -> makeAcross(other, engine, both))
      };
      for (Thread thread : threads) {
        thread.setDaemon(true);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join(TimeUnit.SECONDS.toMillis(20));
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }

  private static void makeAcross(Engine one, Engine other, CyclicBarrier both) {
    one.perLane(
        "key",
        lane -> {
          if (lane.index() == 0) {
            await(both);
          }
          assertServes(other);
          return other.perLane("key", l -> "made", new String[0])[lane.index()];
        },
        new String[0]);
  }

  /** What was begun is finished before the engine closes. */
  @Test
  void closingWaitsForARunningCall() throws Exception {
    Engine closing = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger ran = new AtomicInteger();
    Thread working =
        new Thread(
            () -> {
              try {
                closing.exclusively(
                    () -> {
                      begun.countDown();
                      for (int i = 0; i < 100; i++) {
                        closing.run(PARTS, (lane, part) -> ran.incrementAndGet());
                      }
                    });
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    working.start();
    begun.await();
    closing.close();
    assertThat(ran).hasValue(100 * PARTS);
    working.join();
    assertThat(failure.get()).isNull();
  }

  /**
   * Wherever in a call the stack ends, the thread gets its error once no lane works for it any
   * more, holds nothing and leaves OpenMP as it was.
   */
  @Test
  void theEndOfAStackLeavesNothingBehind() throws Exception {
    AtomicInteger working = new AtomicInteger();
    Lanes.Task task =
        (lane, i) -> {
          if (lane.index() == 1) {
            working.incrementAndGet();
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1);
            while (System.nanoTime() < end) {
              Thread.onSpinWait();
            }
            working.decrementAndGet();
          }
        };
    engine.run(PARTS, task);
    for (int round = 0; round < 20; round++) {
      AtomicReference<Throwable> other = new AtomicReference<>();
      AtomicInteger threadsAfter = new AtomicInteger();
      AtomicInteger left = new AtomicInteger();
      // Another size of stack each time: another place where it ends.
      Thread deep =
          new Thread(
              null,
              () -> {
                OpenMp.setThreads(2);
                try {
                  callAtTheEnd(() -> engine.run(PARTS, task), working, left);
                } catch (Throwable e) {
                  other.set(e);
                }
                threadsAfter.set(OpenMp.threads());
              },
              "deep",
              SMALL_STACK + 4_096L * round);
      deep.start();
      deep.join();
      assertThat(other.get()).isNull();
      assertThat(left).as("lanes that worked on").hasValue(0);
      assertThat(threadsAfter).hasValue(2);
      assertServes(engine);
    }
  }

  /** Calls on the way back from the deepest frame, again and again until there is enough stack. */
  private static void callAtTheEnd(Runnable call, AtomicInteger working, AtomicInteger left) {
    try {
      if (left.get() >= 0) {
        callAtTheEnd(call, working, left);
      }
    } catch (StackOverflowError e) {
      if (working.get() != 0) {
        left.incrementAndGet();
      }
      call.run();
    }
  }

  /** A form may interrupt the thread that it runs on: a helper must find its rest all the same. */
  @Test
  void anInterruptedHelperRests() throws Exception {
    AtomicReference<Thread> helper = new AtomicReference<>();
    engine.run(
        PARTS,
        onLane(
            1,
            () -> {
              helper.set(Thread.currentThread());
              Thread.currentThread().interrupt();
            }));
    awaitRest(helper.get());
    helper.get().interrupt();
    awaitRest(helper.get());
  }

  private static void awaitRest(Thread thread) throws InterruptedException {
    for (int resting = 0; resting < 20; ) {
      thread.join(1);
      assertThat(thread.isAlive()).isTrue();
      resting = thread.getState() == Thread.State.WAITING ? resting + 1 : 0;
    }
  }

  /** An interrupt of who waits for its turn is kept, and its call is served. */
  @Test
  void anInterruptedCallerIsServed() {
    Thread.currentThread().interrupt();
    assertServes(engine);
    assertThat(Thread.interrupted()).isTrue();
  }

  /** Who has just had its turn does not come before one that waits. */
  @Test
  void threadsTakeTurns() throws Exception {
    for (int round = 0; round < 50; round++) {
      List<String> order = new ArrayList<>(); // only touched by who has its turn
      Thread other = new Thread(() -> engine.exclusively(() -> order.add("other")));
      engine.exclusively(
          () -> {
            other.start();
            while (other.getState() != Thread.State.WAITING) {
              Thread.onSpinWait();
            }
          });
      engine.exclusively(() -> order.add("again"));
      other.join();
      assertThat(order).containsExactly("other", "again");
    }
  }

  /** Carrier threads, which virtual threads share, keep their OpenMP setting. */
  @Test
  void virtualThreadsLeaveTheirCarriersAlone() throws Exception {
    Method start =
        Arrays.stream(Thread.class.getMethods())
            .filter(method -> method.getName().equals("startVirtualThread"))
            .findAny()
            .orElse(null);
    assumeThat(start).as("virtual threads, of Java 21 and later").isNotNull();
    List<Integer> before = onManyCarriers(start, OpenMp::threads);
    List<Integer> results =
        onManyCarriers(
            start,
            () -> {
              AtomicInteger ran = new AtomicInteger();
              for (int i = 0; i < 10; i++) {
                engine.run(PARTS, (lane, part) -> ran.incrementAndGet());
                engine.exclusively(() -> engine.run(1, (lane, part) -> ran.incrementAndGet()));
                engine.perLane(new Object(), lane -> OpenMp.threads(), new Integer[0]);
              }
              return ran.get();
            });
    assertThat(results).containsOnly(10 * (PARTS + 1));
    assertThat(onManyCarriers(start, OpenMp::threads)).isSubsetOf(before);
    onManyCarriers(
        start,
        () -> {
          Thread.currentThread().interrupt();
          IOException checked = new IOException("checked");
          assertThatThrownBy(
                  () -> engine.run(1, (l, i) -> EngineCallsTest.<RuntimeException>sneak(checked)))
              .isSameAs(checked);
          assertThat(Thread.interrupted()).isTrue();
          return 0;
        });
  }

  private static List<Integer> onManyCarriers(
      Method start, java.util.function.Supplier<Integer> work) throws Exception {
    List<Integer> results = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      Runnable task =
          () -> {
            try {
              int result = work.get();
              synchronized (results) {
                results.add(result);
              }
            } catch (Throwable e) {
              synchronized (results) {
                failures.add(e);
              }
            }
          };
      threads.add((Thread) start.invoke(null, task));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    return results;
  }
}
