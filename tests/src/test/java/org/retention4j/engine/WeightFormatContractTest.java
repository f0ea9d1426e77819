package org.retention4j.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.RowProducts;
import org.retention4j.internal.linear.WeightFormat;
import org.retention4j.internal.linear.WeightRounding;
import org.retention4j.internal.linear.onednn.Bf16Input;
import org.retention4j.internal.linear.onednn.Int8Input;
import org.retention4j.internal.linear.onednn.OneDnnFormat;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * What every storage of weights must do, those that this host refuses left out: its products are
 * those of float64 at any number of rows and at odd shapes, it unpacks what it was given, rounded
 * to its type, and takes the bytes that it says. A new format is in the list by itself.
 */
class WeightFormatContractTest {
  private static final int MOST_ROWS = 130;
  private static final int[] ALL_ROWS = IntStream.rangeClosed(1, MOST_ROWS).toArray();

  /** Where one way to multiply ends and another begins. */
  private static final int[] SOME_ROWS = {1, 2, 3, 4, 5, 8, 47, 48, 49, 64, 95, 96, 97, 130};

  /**
   * (outputs, inputs): below and above a vector, a group and a slice; one block of outputs, and one
   * or two and a ragged one.
   */
  private static final int[][] SHAPES = {
    {1, 1}, {5, 7}, {63, 65}, {65, 63}, {130, 33}, {70, 600}, {512, 20}, {1100, 70}, {600, 9}
  };

  /** The outputs of those shapes that are tried with all numbers of rows. */
  private static final Set<Integer> THOROUGH = Set.of(65, 600);

  private record Case(Engine engine, WeightFormat format) {
    @Override
    public String toString() {
      return engine.type() + " engine, " + format.type() + ", " + format.description();
    }
  }

  static Stream<Case> formats() {
    List<Case> cases = new ArrayList<>();
    for (WeightFormat format : new WeightFormats(ElementType.FLOAT32, ComputeRoute.VECTOR).all()) {
      cases.add(new Case(Engines.vector(), format));
    }
    for (WeightFormat format : new WeightFormats(ElementType.FLOAT64, ComputeRoute.PLAIN).all()) {
      cases.add(new Case(Engines.float64(), format));
    }
    return cases.stream().filter(c -> c.format.refuses(70, 600).or(c.format::unsuited).isEmpty());
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
        Products products = new Products(c.engine, w, kept);
        boolean thorough = THOROUGH.contains(shape[0]);
        for (int rows : thorough ? ALL_ROWS : SOME_ROWS) {
          products.check(rows, false);
          boolean same = w.inputForm(rows, true).equals(w.inputForm(rows, false));
          // Of the same form there is the same product: some of those will do.
          if (!same || (thorough && Arrays.binarySearch(SOME_ROWS, rows) >= 0)) {
            products.check(rows, true);
          }
        }
      }
    }
  }

  private static INDArray rounded(INDArray w, WeightType type) {
    return switch (type) {
      case BFLOAT16 -> WeightRounding.rounded(w);
      case INT8 -> WeightRounding.integers(w, (int) w.size(1));
      case FLOAT32, FLOAT64 -> w;
    };
  }

  /** Products of some of the same rows, which is why all are multiplied in float64 but once. */
  private static final class Products {
    private final Engine engine;
    private final PackedWeights w;
    private final INDArray kept;
    private final INDArray x;
    private final Map<InputForm, INDArray> expected = new HashMap<>();

    Products(Engine engine, PackedWeights w, INDArray kept) {
      this.engine = engine;
      this.w = w;
      this.kept = kept.castTo(DataType.DOUBLE).transpose();
      x = Tensors.gaussian(3, engine.dataType(), MOST_ROWS, w.inputs());
    }

    void check(int rows, boolean bfloat16) {
      INDArray some = first(rows, x).reshape(1, rows, w.inputs());
      INDArray y = RowProducts.multiply(engine, some, w, bfloat16, Activation.NONE);
      InputForm form = w.inputForm(rows, bfloat16);
      assertThat(bfloat16 || !form.equals(Bf16Input.FORM)).as("rounds when told to only").isTrue();
      INDArray all =
          expected.computeIfAbsent(form, f -> asRead(f).castTo(DataType.DOUBLE).mmul(kept));
      assertThat(y)
          .as("%s rows of %s x %s, bf16 %s", rows, w.outputs(), w.inputs(), bfloat16)
          .isCloseTo(
              first(rows, all).reshape(1, rows, w.outputs()),
              Tolerance.reference(engine.dataType(), true, rows));
    }

    private static INDArray first(int rows, INDArray all) {
      return all.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all());
    }

    /** Rows lose digits where their weights say so, and those of their type only. */
    private INDArray asRead(InputForm form) {
      if (form.equals(Int8Input.FORM)) {
        assertThat(w.type()).isEqualTo(WeightType.INT8);
        return WeightRounding.integers(x, w.inputs());
      }
      if (form.equals(Bf16Input.FORM)) {
        assertThat(w.type()).isEqualTo(WeightType.BFLOAT16);
        return WeightRounding.rounded(x);
      }
      return x;
    }
  }

  /**
   * Against what it says, and against what its type needs, in sizes that nobody fills up and in one
   * that everybody does. How oneDNN fills matrices up is known for 512-bit vectors.
   */
  @ParameterizedTest
  @MethodSource("formats")
  void takesTheBytesThatItSays(Case c) {
    boolean known =
        !(c.format instanceof OneDnnFormat) || Engines.vector().kernelsName().equals("vector-512");
    for (int[] shape : new int[][] {{1088, 640}, {1100, 70}}) {
      INDArray source = Tensors.gaussian(2, DataType.FLOAT, shape[0], shape[1]);
      try (PackedWeights w = c.format.pack(c.engine, NdArrays.source(source))) {
        double said = c.format.bytes(shape[0], shape[1]);
        double error = known ? 0.01 : 0.5;
        // With AMX outputs of 8-bit weights need not have the correction that is counted.
        boolean uncorrected =
            c.format instanceof OneDnnFormat && c.format.type() == WeightType.INT8;
        double less = uncorrected ? (double) Integer.BYTES / shape[1] : 0;
        assertThat(w.bytes() / said).as("said").isBetween(1 - error - less, 1 + error);
      }
    }
    INDArray even = Tensors.gaussian(2, DataType.FLOAT, 1088, 640);
    try (PackedWeights w = c.format.pack(c.engine, NdArrays.source(even))) {
      int each = c.engine.type() == ElementType.FLOAT64 ? 8 : c.format.type().bytes();
      long needed = 1088L * 640 * each;
      assertThat(w.bytes()).isBetween(needed, (long) (needed * (known ? 1.015 : 1.5)));
    }
  }

  /** Those on the heap take exactly what they say; natively there is a little more. */
  @Test
  void anEstimateAsksTheFormatThatWillHoldThem() {
    INDArray source = Tensors.gaussian(2, DataType.FLOAT, 1100, 70);
    for (WeightType type : List.of(WeightType.BFLOAT16, WeightType.INT8)) {
      WeightFormat first =
          new WeightFormats(ElementType.FLOAT32, ComputeRoute.VECTOR)
              .all().stream().filter(format -> format.type() == type).findFirst().orElseThrow();
      assumeThat(first.refuses(1100, 70).or(first::unsuited)).isEmpty();
      try (PackedMatrix w = Engines.vector().pack(source, type)) {
        assertThat(Engine.packedBytes(ElementType.FLOAT32, type, 1100, 70)).isEqualTo(w.bytes());
      }
    }
  }

  @Test
  void aTypeWithoutFormatIsRefusedByName() {
    Stream<ThrowableAssert.ThrowingCallable> uses =
        Stream.of(
            () -> Engine.packedBytes(ElementType.FLOAT32, WeightType.FLOAT64, 3, 4),
            () -> Engines.plain().pack(Nd4j.zeros(3, 4), WeightType.FLOAT64));
    assertThat(uses)
        .allSatisfy(
            use ->
                assertThatIllegalArgumentException()
                    .isThrownBy(use)
                    .withMessageContainingAll(
                        "FLOAT32 engine", "[FLOAT32, BFLOAT16, INT8]", "got FLOAT64"));
  }
}
