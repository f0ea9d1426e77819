package org.retention4j.internal.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.internal.linear.WeightRounding.integers;
import static org.retention4j.internal.linear.WeightRounding.rounded;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Bfloat16;
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

/** Packed weights: exact to unpack, refused where they do not fit or are closed. */
class PackedMatrixTest {
  @ParameterizedTest
  @CsvSource({"1,1", "3,5", "64,64", "77,130", "512,3", "513,8", "1024,3", "1025,8", "2100,16"})
  void unpacksToTheBit(int outputs, int inputs) {
    INDArray w = Tensors.gaussian(1, DataType.FLOAT, outputs, inputs);
    w.putScalar(0, Float.MIN_VALUE);
    if (w.length() > 1) {
      w.putScalar(1, -0f);
    }
    try (PackedMatrix packed = Engines.plain().pack(w, WeightType.FLOAT32)) {
      assertThat(array(packed)).isEqualTo(w);
      assertThat(packed.outputs()).isEqualTo(outputs);
      assertThat(packed.inputs()).isEqualTo(inputs);
      assertThat(packed.bytes()).isGreaterThanOrEqualTo(4L * outputs * inputs);
    }
    INDArray normal = Tensors.gaussian(1, DataType.FLOAT, outputs, inputs);
    INDArray halved = rounded(normal);
    try (PackedMatrix packed = Engines.plain().pack(normal, WeightType.BFLOAT16)) {
      assertThat(array(packed)).isEqualTo(halved);
      assertThat(packed.type()).isEqualTo(WeightType.BFLOAT16);
    }
    try (PackedMatrix packed = Engines.plain().pack(halved, WeightType.BFLOAT16)) {
      assertThat(array(packed)).isEqualTo(halved);
    }
  }

  @Test
  void unpacksToTheBitInFloat64() {
    INDArray w = Tensors.gaussian(1, DataType.DOUBLE, 7, 5);
    try (PackedMatrix packed = Engines.float64().pack(w, WeightType.FLOAT64)) {
      assertThat(array(packed)).isEqualTo(w);
    }
    try (PackedMatrix packed = Engines.float64().pack(w, WeightType.FLOAT32)) {
      assertThat(array(packed)).isEqualTo(w.castTo(DataType.FLOAT).castTo(DataType.DOUBLE));
    }
    INDArray floats = w.castTo(DataType.FLOAT);
    try (PackedMatrix packed = Engines.float64().pack(floats, WeightType.BFLOAT16)) {
      assertThat(array(packed)).isEqualTo(rounded(floats).castTo(DataType.DOUBLE));
    }
  }

  @Test
  void keepsNothingOfTheSourceAndReadsViews() {
    INDArray w = Tensors.gaussian(1, DataType.FLOAT, 6, 4);
    try (PackedMatrix packed = Engines.plain().pack(w, WeightType.FLOAT32);
        PackedMatrix strided = Engines.plain().pack(Tensors.strided(w), WeightType.FLOAT32);
        PackedMatrix transposed = Engines.plain().pack(w.transpose(), WeightType.FLOAT32);
        PackedMatrix doubles =
            Engines.plain().pack(w.castTo(DataType.DOUBLE), WeightType.FLOAT32)) {
      INDArray before = w.dup();
      w.assign(9);
      assertThat(array(packed)).isEqualTo(before);
      assertThat(array(strided)).isEqualTo(before);
      assertThat(array(doubles)).isEqualTo(before);
      assertThat(array(transposed)).isEqualTo(before.transpose().dup('c'));
    }
  }

  /** What is 8 bits wide unpacks to multiples of its row's factor, at most half of it off. */
  @Test
  void unpacksIntegers() {
    INDArray w = Tensors.gaussian(3, DataType.FLOAT, 1030, 40);
    w.putScalar(5, 7, 0);
    w.getRow(6).assign(0);
    try (PackedMatrix packed = Engines.plain().pack(w, WeightType.INT8)) {
      assertThat(array(packed))
          .isCloseTo(
              integers(w, 40).castTo(DataType.FLOAT), Tolerance.reference(DataType.FLOAT, true, 1));
      assertThat(packed.bytes()).isLessThan(2 * 1030 * 40);
    }
  }

  private static INDArray array(PackedMatrix w) {
    Engine engine =
        ((PackedWeights) w).computes() == ElementType.FLOAT64 ? Engines.float64() : Engines.plain();
    return engine.toArray(w.unpack());
  }

  @Test
  void refusesWhatDoesNotFit() {
    Engine fp32 = Engines.plain();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fp32.pack(Nd4j.zeros(2, 3, 4), WeightType.FLOAT32))
        .withMessageContaining("[2, 3, 4]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fp32.pack(Nd4j.create(DataType.FLOAT, 0, 3), WeightType.FLOAT32))
        .withMessageContaining("[0, 3]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fp32.pack(Nd4j.zeros(2, 3), WeightType.FLOAT64))
        .withMessageContaining("FLOAT64");
    try (Buffers arena = fp32.newBuffers();
        Scratch scratch = fp32.newScratch();
        PackedMatrix w = fp32.pack(Nd4j.zeros(2, 3), WeightType.FLOAT32)) {
      for (int[] s : new int[][] {{4, 4, 4, 2}, {4, 3, 4, 3}, {4, 3, 5, 2}}) {
        assertThatIllegalArgumentException()
            .isThrownBy(
                () ->
                    fp32.matMuls(arena, scratch, arena.tile(s[0], s[1]), false)
                        .add(w, arena.tile(s[2], s[3]), Activation.NONE))
            .withMessageContaining("x (%d,%d) and y (%d,%d)", s[0], s[1], s[2], s[3]);
      }
    }
  }

  @Test
  void saysThatItIsClosed() {
    for (Engine engine : new Engine[] {Engines.plain(), Engines.float64()}) {
      PackedMatrix w = engine.pack(Nd4j.zeros(2, 3), WeightType.FLOAT32);
      w.close();
      w.close();
      assertThatThrownBy(w::unpack)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
      try (Buffers arena = engine.newBuffers();
          Scratch scratch = engine.newScratch()) {
        Tile x = arena.tile(1, 3);
        Tile y = arena.tile(1, 2);
        MatMulGroup projections = engine.matMuls(arena, scratch, x, false);
        assertThatThrownBy(() -> projections.add(w, y, Activation.NONE))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("closed");
      }
    }
  }

  @Test
  void roundsToBfloat16() {
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(1f))).isEqualTo(1f);
    // Halfway between 1 and 1 + 2^−7: to even, down; the next halfway: to even, up.
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(1f + 0x1p-8f))).isEqualTo(1f);
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(1f + 3 * 0x1p-8f))).isEqualTo(1f + 0x1p-6f);
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(1f + 0x1.0002p-8f))).isEqualTo(1f + 0x1p-7f);
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(Float.NaN))).isNaN();
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(Float.intBitsToFloat(0x7f800001)))).isNaN();
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(Float.NEGATIVE_INFINITY)))
        .isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(Bfloat16.toFloat(Bfloat16.fromFloat(Float.MAX_VALUE)))
        .isEqualTo(Float.POSITIVE_INFINITY);
  }
}
