package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.internal.lanes.OpenMp;
import org.retention4j.internal.memory.Arena;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Lanes, threads, providers, memory and rows. */
class EngineTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsEveryPartOnce(int threads) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.PLAIN)) {
      assertThat(engine.threads()).isEqualTo(threads);
      for (int parts : new int[] {0, 1, 2, 100}) {
        AtomicIntegerArray seen = new AtomicIntegerArray(parts);
        AtomicInteger wrongLanes = new AtomicInteger();
        engine.run(
            parts,
            (lane, i) -> {
              seen.incrementAndGet(i);
              if (lane.index() < 0 || lane.index() >= threads) {
                wrongLanes.incrementAndGet();
              }
            });
        for (int i = 0; i < parts; i++) {
          assertThat(seen.get(i)).isOne();
        }
        assertThat(wrongLanes).hasValue(0);
      }
    }
  }

  /** A part that throws reaches the caller, whichever lane it ran on, and the engine goes on. */
  @Test
  void passesFailuresOn() {
    Engine engine = Engines.plain();
    for (int failing = 0; failing < 20; failing++) {
      int part = failing;
      assertThatThrownBy(
              () ->
                  engine.run(
                      20,
                      (lane, i) -> {
                        if (i == part) {
                          throw new IllegalArgumentException("part " + part);
                        }
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("part " + part);
      AtomicInteger ran = new AtomicInteger();
      engine.run(20, (lane, i) -> ran.incrementAndGet());
      assertThat(ran).hasValue(20);
    }
    assertThatThrownBy(
            () ->
                engine.run(
                    2,
                    (lane, i) -> {
                      throw new AssertionError("an error");
                    }))
        .isInstanceOf(AssertionError.class)
        .hasMessage("an error");
  }

  /** The caller's OpenMP setting, which ND4J uses too, is as before. */
  @Test
  void leavesOpenMpAlone() {
    int before = OpenMp.threads();
    try {
      OpenMp.setThreads(2);
      Engines.plain().run(4, (lane, i) -> {});
      assertThat(OpenMp.threads()).isEqualTo(2);
    } finally {
      OpenMp.setThreads(before);
    }
  }

  /** The same bits on one, two and five threads. */
  @ParameterizedTest
  @EnumSource
  void resultsDoNotDependOnThreads(ElementType type) {
    FormCall call = call(NdArrays.dataType(type));
    for (RetentionForm form :
        new RetentionForm[] {new RecurrentForm(), new ParallelForm(16), new ChunkwiseForm(16)}) {
      FormResult first = null;
      for (int threads : new int[] {1, 2, 5}) {
        try (Engine engine = Engine.create(type, threads, ComputeRoute.PLAIN)) {
          FormResult result = new Variant(engine, form).advance(call);
          first = first == null ? result : first;
          assertThat(result.output()).isEqualTo(first.output());
          assertThat(result.state()).isEqualTo(first.state());
        }
      }
    }
  }

  /** Providers differ by rounding only. */
  @Test
  void providersAgree() {
    FormCall call = call(DataType.FLOAT);
    Tolerance tolerance = Tolerance.forms(DataType.FLOAT, true, 40);
    for (RetentionForm form :
        new RetentionForm[] {new RecurrentForm(), new ParallelForm(16), new ChunkwiseForm(16)}) {
      FormResult plain = new Variant(Engines.plain(), form).advance(call);
      FormResult vector = new Variant(Engines.vector(), form).advance(call);
      assertThat(vector.output()).isCloseTo(plain.output(), tolerance);
      assertThat(vector.state()).isStateCloseTo(plain.state(), tolerance);
    }
  }

  private static FormCall call(DataType type) {
    return new FormCall(
        Tensors.gaussian(1, type, 3, 40, 4, 17),
        Tensors.gaussian(2, type, 3, 40, 2, 17),
        Tensors.gaussian(3, type, 3, 40, 2, 33),
        LogDecay.perHead(-0.5, -0.1, -0.01, -0.001),
        0.25,
        Tensors.gaussian(4, type, 3, 4, 17, 33),
        new int[] {40, 13, 39},
        Resets.none());
  }

  @Test
  void providersAreChosenAndForced() {
    assertThat(Engines.plain().route()).isEqualTo(ComputeRoute.PLAIN);
    assertThat(Engines.plain().kernelsName()).isEqualTo("plain");
    assertThat(Engines.vector().route()).isEqualTo(ComputeRoute.VECTOR);
    assertThat(Engines.vector().kernelsName()).startsWith("vector-");
    assertThat(Engines.float64().kernelsName()).isEqualTo("plain");
    assertThat(ComputeRoute.PLAIN.available()).isTrue();
    assertThat(ComputeRoute.best())
        .isEqualTo(ComputeRoute.VECTOR.available() ? ComputeRoute.VECTOR : ComputeRoute.PLAIN);
    try (Engine engine = Engine.float32()) {
      assertThat(engine.route()).isEqualTo(ComputeRoute.best());
      assertThat(engine.type()).isEqualTo(ElementType.FLOAT32);
    }
    try (Engine engine = Engine.float64()) {
      assertThat(engine.type()).isEqualTo(ElementType.FLOAT64);
    }
  }

  @Test
  void refusesToStartWithoutThreads() {
    for (int threads : new int[] {0, -1}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Engine.create(ElementType.FLOAT32, threads, ComputeRoute.PLAIN))
          .withMessageContaining("got " + threads);
    }
  }

  @Test
  void refusesToStartWithoutATypeOrARoute() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.create(null, 1, ComputeRoute.PLAIN))
        .withMessageContaining("element type and a route, got null and PLAIN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.create(ElementType.FLOAT32, 1, null))
        .withMessageContaining("got FLOAT32 and null");
  }

  @Test
  void saysThatItIsClosedAndGivesItsMemoryBack() {
    long before = HeldMemory.liveBytes();
    Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
    Buffers arena = engine.newBuffers();
    engine.perLane("key", lane -> lane.tiles().tile(3, 4), new Tile[0]);
    assertThat(HeldMemory.liveBytes()).isGreaterThan(before);
    engine.close();
    engine.close();
    for (Runnable use :
        new Runnable[] {
          () -> engine.run(1, (lane, i) -> {}),
          () -> arena.tile(1, 1),
          () -> engine.pack(Nd4j.zeros(1, 1), WeightType.FLOAT32),
          () -> engine.perLane("other", lane -> lane, new Lane[0])
        }) {
      assertThatThrownBy(use::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
    arena.close();
  }

  @Test
  void arenasCountAlignAndClose() {
    HeldMemory.resetPeak();
    long before = HeldMemory.liveBytes();
    Arena arena = new Arena();
    for (int size : new int[] {1, 63, 64, 100}) {
      assertThat(arena.allocate(size).address() % 64).isZero();
    }
    assertThat(arena.bytes()).isEqualTo(1 + 63 + 64 + 100 + 4 * 64);
    assertThat(HeldMemory.liveBytes()).isEqualTo(before + arena.bytes());
    assertThat(HeldMemory.peakBytes()).isEqualTo(before + arena.bytes());
    arena.close();
    arena.close();
    assertThat(arena.bytes()).isZero();
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
    assertThat(HeldMemory.peakBytes()).isGreaterThan(before);
    assertThatThrownBy(() -> arena.allocate(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void rowsFollowStrides() {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
      INDArray array = Tensors.gaussian(1, type, 2, 3, 4, 5);
      for (INDArray view :
          new INDArray[] {array, Tensors.strided(array), array.permute(1, 0, 3, 2)}) {
        RowView rows = NdArrays.view(view);
        assertThat(rows.width()).isEqualTo((int) view.size(3));
        for (int b = 0; b < view.size(0); b++) {
          for (int t = 0; t < view.size(1); t++) {
            for (int h = 0; h < view.size(2); h++) {
              for (int w = 0; w < view.size(3); w++) {
                assertThat(rows.get(b, t, h, w)).isEqualTo(view.getDouble(b, t, h, w));
              }
            }
          }
        }
      }
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NdArrays.view(Nd4j.zeros(2, 3)))
        .withMessageContaining("rank 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NdArrays.view(Nd4j.zeros(DataType.HALF, 2, 3, 4)))
        .withMessageContaining("HALF");
  }

  @Test
  void partsOfTilesLieInside() {
    try (Buffers arena = Engines.plain().newBuffers()) {
      Tile tile = arena.tile(4, 6);
      assertThat(tile.part(1, 3, 2, 4).rows()).isEqualTo(3);
      assertThat(tile.part(1, 3, 2, 4).columns()).isEqualTo(4);
      int[][] outside = {{-1, 1, 0, 1}, {0, 1, -1, 1}, {0, -1, 0, 1}, {2, 3, 0, 1}, {0, 1, 5, 2}};
      for (int[] p : outside) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> tile.part(p[0], p[1], p[2], p[3]))
            .withMessageContaining("4 x 6");
      }
    }
  }
}
