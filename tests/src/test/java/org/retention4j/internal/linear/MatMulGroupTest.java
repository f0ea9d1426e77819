package org.retention4j.internal.linear;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Projections in parts: two with their product in one task, and any number of lanes. */
class MatMulGroupTest {
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
            DataType data = engine.dataType();
            assertThat(gated(engine, gate, up, rows, f))
                .as("%s, %d rows, %s", engine.kernelsName(), rows, f)
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
        try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.VECTOR);
            PackedMatrix packed = engine.pack(w, type)) {
          INDArray y = product(engine, packed, rows, Activation.SILU);
          if (first == null) {
            first = y;
            assertThat(y)
                .isCloseTo(
                    plain(engine.toArray(packed.unpack()), rows),
                    Tolerance.reference(DataType.FLOAT, true, 1));
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
    return RowProducts.multiply(engine, rows(engine, w, rows), w, false, f);
  }

  private static INDArray gated(
      Engine engine, PackedMatrix gate, PackedMatrix up, int rows, Activation f) {
    return RowProducts.multiply(
        engine,
        rows(engine, gate, rows),
        gate.outputs(),
        false,
        (products, buffers, out) ->
            products.addGated(gate, up, out, buffers.tile(rows, gate.outputs()), f));
  }

  private static INDArray rows(Engine engine, PackedMatrix w, int rows) {
    return Tensors.gaussian(1, DataType.FLOAT, 1, rows, w.inputs()).castTo(engine.dataType());
  }

  @Test
  void refusesGatesOfOtherWidths() {
    Engine engine = Engines.plain();
    try (Buffers arena = engine.newBuffers();
        Scratch scratch = engine.newScratch();
        PackedMatrix gate =
            engine.pack(Tensors.gaussian(1, DataType.FLOAT, 500, 8), WeightType.FLOAT32);
        PackedMatrix up =
            engine.pack(Tensors.gaussian(1, DataType.FLOAT, 510, 8), WeightType.FLOAT32)) {
      MatMulGroup projections = engine.matMuls(arena, scratch, arena.tile(2, 8), false);
      Tile y = arena.tile(2, 500);
      Tile raised = arena.tile(2, 510);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> projections.addGated(gate, up, y, raised, Activation.NONE))
          .withMessageContaining("500 and 510");
    }
  }
}
