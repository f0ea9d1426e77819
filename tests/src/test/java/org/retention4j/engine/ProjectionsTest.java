package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.forms.Engines;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Projections in parts: two with their product in one task, and any number of lanes. */
class ProjectionsTest {
  /** Two projections and their product in one, of any weights, in one part or in several. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32,FLOAT32",
    "BFLOAT16,BFLOAT16",
    "INT8,BFLOAT16",
    "BFLOAT16,FLOAT32",
    "FLOAT32,INT8"
  })
  void projectsGated(WeightType gateType, WeightType upType) {
    for (Engine engine : new Engine[] {Engines.plain(), Engines.vector(), Engines.float64()}) {
      INDArray gates = Tensors.gaussian(2, DataType.FLOAT, 1030, 40);
      INDArray ups = Tensors.gaussian(3, DataType.FLOAT, 1030, 40);
      try (PackedMatrix gate = engine.pack(gates, gateType);
          PackedMatrix up = engine.pack(ups, upType)) {
        for (int rows : new int[] {1, 2, 33, 65, 96}) {
          for (Activation f : new Activation[] {Activation.NONE, Activation.SILU}) {
            double[] a = Tensors.flat(product(engine, gate, rows, f));
            double[] b = Tensors.flat(product(engine, up, rows, Activation.NONE));
            for (int i = 0; i < a.length; i++) {
              a[i] *= b[i];
            }
            DataType data = engine.type().dataType();
            assertThat(gated(engine, gate, up, rows, f))
                .as("%s, %d rows, %s", engine.providerName(), rows, f)
                .isCloseTo(
                    Tensors.of(a, DataType.DOUBLE, 1, rows, 1030),
                    Tolerance.reference(data, true, 1));
          }
        }
        up.close();
        assertThatThrownBy(() -> gated(engine, gate, up, 1, Activation.NONE))
            .isInstanceOf(IllegalStateException.class);
      }
    }
  }

  /** Parts of one row that have more groups than are read at once, and other numbers of lanes. */
  @ParameterizedTest
  @CsvSource({
    "BFLOAT16,1030,40",
    "BFLOAT16,1728,40",
    "BFLOAT16,2240,40",
    "BFLOAT16,2240,2100",
    "INT8,1030,40",
    "INT8,1728,40",
    "INT8,2240,2100"
  })
  void givesTheSameBitsOnAnyNumberOfLanes(WeightType type, int outputs, int inputs) {
    INDArray w = Tensors.gaussian(2, DataType.FLOAT, outputs, inputs);
    for (int rows : new int[] {1, type == WeightType.INT8 ? 3 : 5}) {
      INDArray first = null;
      for (int threads : new int[] {1, 2, 5}) {
        try (Engine engine = Engine.create(ElementType.FLOAT32, threads, Provider.VECTOR);
            PackedMatrix packed = engine.pack(w, type)) {
          INDArray y = product(engine, packed, rows, Activation.SILU);
          if (first == null) {
            first = y;
            assertThat(y)
                .isCloseTo(
                    plain(packed.unpack(), rows), Tolerance.reference(DataType.FLOAT, true, 1));
          }
          assertThat(y).isEqualTo(first);
          assertThat(gated(engine, packed, packed, rows, Activation.NONE))
              .isEqualTo(
                  product(engine, packed, rows, Activation.NONE)
                      .mul(product(engine, packed, rows, Activation.NONE)));
        }
      }
    }
  }

  /** silu(x·Wᵀ) by plain loops. */
  private static INDArray plain(INDArray w, int rows) {
    int outputs = (int) w.size(0);
    int inputs = (int) w.size(1);
    double[] a = Tensors.flat(Tensors.gaussian(1, DataType.FLOAT, 1, rows, inputs));
    double[] b = Tensors.flat(w);
    double[] y = new double[rows * outputs];
    for (int i = 0; i < y.length; i++) {
      double sum = 0;
      for (int j = 0; j < inputs; j++) {
        sum += a[i / outputs * inputs + j] * b[i % outputs * inputs + j];
      }
      y[i] = sum / (1 + Math.exp(-sum));
    }
    return Tensors.of(y, DataType.DOUBLE, 1, rows, outputs);
  }

  private static INDArray product(Engine engine, PackedMatrix w, int rows, Activation f) {
    return projected(engine, w, rows, (projections, out, raised) -> projections.add(w, out, f));
  }

  private static INDArray gated(
      Engine engine, PackedMatrix gate, PackedMatrix up, int rows, Activation f) {
    return projected(
        engine,
        gate,
        rows,
        (projections, out, raised) -> projections.addGated(gate, up, out, raised, f));
  }

  private interface Binding {
    Projections bind(Projections projections, Tile out, Tile raised);
  }

  private static INDArray projected(Engine engine, PackedMatrix w, int rows, Binding binding) {
    DataType data = engine.type().dataType();
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, rows, w.inputs()).castTo(data);
    try (Arena arena = new Arena();
        Scratch scratch = new Scratch(engine)) {
      Tile in = engine.tile(arena, rows, w.inputs());
      Tile out = engine.tile(arena, rows, w.outputs());
      Tile raised = engine.tile(arena, rows, w.outputs());
      WeightsTest.copy(engine, Rows.of(x), Rows.of(in, rows, w.inputs()), rows);
      binding.bind(new Projections(engine, arena, scratch, in, false), out, raised).run();
      INDArray y = Nd4j.zeros(data, 1, rows, w.outputs());
      WeightsTest.copy(engine, Rows.of(out, rows, w.outputs()), Rows.of(y), rows);
      return y;
    }
  }

  @Test
  void refusesGatesOfOtherWidths() {
    Engine engine = Engines.plain();
    try (Arena arena = new Arena();
        Scratch scratch = new Scratch(engine);
        PackedMatrix gate =
            engine.pack(Tensors.gaussian(1, DataType.FLOAT, 500, 8), WeightType.FLOAT32);
        PackedMatrix up =
            engine.pack(Tensors.gaussian(1, DataType.FLOAT, 510, 8), WeightType.FLOAT32)) {
      Projections projections =
          new Projections(engine, arena, scratch, engine.tile(arena, 2, 8), false);
      Tile y = engine.tile(arena, 2, 500);
      Tile raised = engine.tile(arena, 2, 510);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> projections.addGated(gate, up, y, raised, Activation.NONE))
          .withMessageContaining("500 and 510");
    }
  }
}
