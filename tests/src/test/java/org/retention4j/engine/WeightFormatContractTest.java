package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.RowProducts;
import org.retention4j.internal.linear.WeightFormat;
import org.retention4j.internal.linear.WeightRounding;
import org.retention4j.internal.linear.onednn.Int8Input;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * What every storage of weights must do, those that this host refuses left out: its products are
 * those of float64 at any number of rows and at odd shapes, it unpacks what it was given, rounded
 * to its type, and takes the bytes that it says. A new format is in the list by itself.
 */
class WeightFormatContractTest {
  private static final int[] ALL_ROWS = IntStream.rangeClosed(1, 130).toArray();

  /** Where one way to multiply ends and another begins. */
  private static final int[] SOME_ROWS = {1, 2, 3, 4, 5, 8, 47, 48, 49, 64, 95, 96, 97, 130};

  /** (outputs, inputs): below and above a vector, a group, a slice and a block. */
  private static final int[][] SHAPES = {{1, 1}, {5, 7}, {63, 65}, {65, 63}, {130, 33}, {70, 600}};

  private record Case(Engine engine, WeightFormat format) {
    @Override
    public String toString() {
      return engine.type() + " engine, " + format.type() + ", " + format.description();
    }
  }

  static Stream<Case> formats() {
    List<Case> cases = new ArrayList<>();
    for (WeightFormat format : new WeightFormats(ElementType.FLOAT32, true).all()) {
      cases.add(new Case(Engines.vector(), format));
    }
    for (WeightFormat format : new WeightFormats(ElementType.FLOAT64, false).all()) {
      cases.add(new Case(Engines.float64(), format));
    }
    return cases.stream().filter(c -> c.format.refuses(70, 600).isEmpty());
  }

  @ParameterizedTest
  @MethodSource("formats")
  void multipliesAnyNumberOfRowsAtOddShapes(Case c) {
    for (int[] shape : SHAPES) {
      INDArray source = Tensors.gaussian(2, DataType.FLOAT, shape[0], shape[1]);
      try (PackedWeights w = c.format.pack(c.engine, NdArrays.source(source))) {
        INDArray kept = rounded(source, c.format.type());
        assertThat(c.engine.toArray(w.unpack()))
            .isCloseTo(
                kept.castTo(c.engine.dataType()),
                Tolerance.reference(c.engine.dataType(), true, 1));
        for (int rows : shape[0] == 65 ? ALL_ROWS : SOME_ROWS) {
          multiply(c.engine, w, kept, rows);
        }
      }
    }
  }

  private static INDArray rounded(INDArray w, WeightType type) {
    return switch (type) {
      case BFLOAT16 -> WeightRounding.rounded(w);
      case INT8 -> WeightRounding.integers(w, (int) w.size(1));
      default -> w;
    };
  }

  private static void multiply(Engine engine, PackedWeights w, INDArray kept, int rows) {
    int inputs = w.inputs();
    INDArray x = Tensors.gaussian(rows, engine.dataType(), 1, rows, inputs);
    INDArray y = RowProducts.multiply(engine, x, w, false, Activation.NONE);
    boolean rounds = w.inputForm(rows, false).equals(Int8Input.FORM);
    INDArray read = rounds ? WeightRounding.integers(x, inputs) : x;
    INDArray expected =
        read.castTo(DataType.DOUBLE)
            .reshape(rows, inputs)
            .mmul(kept.castTo(DataType.DOUBLE).transpose())
            .reshape(1, rows, w.outputs());
    assertThat(y)
        .as("%s rows of %s x %s", rows, w.outputs(), inputs)
        .isCloseTo(expected, Tolerance.reference(engine.dataType(), true, rows));
  }

  /** The estimate is made for processors with 512-bit vectors, where it is within a hundredth. */
  @ParameterizedTest
  @MethodSource("formats")
  void takesTheBytesThatItSays(Case c) {
    INDArray source = Tensors.gaussian(2, DataType.FLOAT, 1088, 640);
    try (PackedWeights w = c.format.pack(c.engine, NdArrays.source(source))) {
      double said = c.format.bytes(1088, 640);
      double error = Engines.vector().kernelsName().equals("vector-512") ? 0.01 : 0.5;
      assertThat(w.bytes() / said).isBetween(1 - error, 1 + error);
    }
  }
}
