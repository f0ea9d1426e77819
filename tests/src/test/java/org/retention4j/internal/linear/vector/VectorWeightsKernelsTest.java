package org.retention4j.internal.linear.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.WeightRounding;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;
import org.retention4j.testkit.Tensors;

/**
 * The kernels of all widths of vectors on whatever this processor has, for they do not depend on
 * it, and what multiplies many rows where there are no products of narrow types; against sums in
 * double.
 */
class VectorWeightsKernelsTest {
  /** So far a group begins behind the one before, more than it needs. */
  private static final int GAP = 5;

  private final SplittableRandom random = new SplittableRandom(7);

  @BeforeAll
  static void needsVectors() {
    assumeThat(VectorGeometry.wideEnough()).isTrue();
  }

  enum Kind {
    PAIRED,
    PAIRED_256,
    INT8,
    INT8_256;

    MatMulKernel kernels() {
      return switch (this) {
        case PAIRED -> new Bf16Kernel();
        case PAIRED_256 -> new Bf16Kernel256();
        case INT8 -> new Int8Kernel();
        case INT8_256 -> new Int8Kernel256();
      };
    }

    boolean integers() {
      return this == INT8 || this == INT8_256;
    }
  }

  /** Eight groups of random weights. */
  private final class Weights {
    final Kind kind;
    final int apart;
    final int[] packed;
    final double[][] values;

    Weights(Kind kind, int steps) {
      this.kind = kind;
      int group = VectorGeometry.GROUP;
      int inputs = kind.kernels().inputs();
      apart = steps * group + GAP;
      packed = new int[8 * apart];
      values = new double[8 * group][steps * inputs];
      for (int o = 0; o < values.length; o++) {
        for (int p = 0; p < steps; p++) {
          packed[o / group * apart + p * group + o % group] = pack(values[o], p * inputs);
        }
      }
    }

    private int pack(double[] row, int at) {
      if (kind.integers()) {
        byte[] four = new byte[4];
        for (int i = 0; i < 4; i++) {
          four[i] = (byte) random.nextInt(-127, 128);
          row[at + i] = four[i];
        }
        return Int8Kernel.pack(four[0], four[1], four[2], four[3]);
      }
      int bits = 0;
      for (int i = 0; i < 2; i++) {
        float value = (float) WeightRounding.bf16(random.nextDouble(-1, 1));
        row[at + i] = value;
        bits |= (Float.floatToIntBits(value) >>> 16) << (16 * i);
      }
      return bits;
    }

    int inputs() {
      return values[0].length;
    }
  }

  private float[] row(int inputs) {
    float[] row = new float[(inputs + 15) / 16 * 16 + 1];
    for (int i = 0; i < inputs; i++) {
      row[i] = (float) random.nextDouble(-1, 1);
    }
    return row;
  }

  private static float[] prepared(float[] row, Kind kind) {
    float[] copy = row.clone();
    if (kind.integers()) {
      Int8Kernel.prepare(copy, copy.length - 1);
    }
    return copy;
  }

  private static void assertSum(float sum, Weights w, int output, float[] row, double before) {
    double expected = before;
    double magnitude = Math.abs(before);
    for (int i = 0; i < w.inputs(); i++) {
      expected += row[i] * w.values[output][i];
      magnitude += Math.abs(row[i] * w.values[output][i]);
    }
    float actual = w.kind.integers() ? sum * Int8Kernel.FACTOR : sum;
    // Half a unit of the last place for each term and each rounding of a prepared row.
    double bound = Math.ulp(1f) * (w.inputs() + 2) * magnitude;
    assertThat((double) actual).as("output %s", output).isCloseTo(expected, within(bound));
  }

  @ParameterizedTest
  @CsvSource({"PAIRED,33", "PAIRED_256,33", "INT8,33", "INT8_256,33", "PAIRED,1", "INT8_256,1"})
  void multipliesOneRowWithEightGroups(Kind kind, int steps) {
    int group = VectorGeometry.GROUP;
    Weights w = new Weights(kind, steps);
    float[] row = row(w.inputs());
    float[] sum = new float[8 * (group + GAP)];
    MatMulKernel kernels = kind.kernels();
    kernels.multiplyEight(w.packed, 0, w.apart, steps, prepared(row, kind), sum, 0, group + GAP);
    float[] last = new float[group];
    kernels.multiplyEight(w.packed, 7 * w.apart, 0, steps, prepared(row, kind), last, 0, 0);
    for (int o = 0; o < 8 * group; o++) {
      assertSum(sum[o / group * (group + GAP) + o % group], w, o, row, 0);
      if (o >= 7 * group) {
        assertThat(last[o % group]).isEqualTo(sum[7 * (group + GAP) + o % group]);
      }
    }
  }

  /** Of the second four rows three: the fourth is zeros, as rows are filled up. */
  @ParameterizedTest
  @CsvSource({"PAIRED,33", "PAIRED_256,33", "INT8,33", "INT8_256,33", "PAIRED_256,1", "INT8,1"})
  void addsRowsTimesFourGroups(Kind kind, int steps) {
    int group = VectorGeometry.GROUP;
    Weights w = new Weights(kind, steps);
    float[][] rows = new float[8][];
    int from = 4 * 3;
    float[][] x = new float[2][from + 4 * w.inputs()];
    for (int r = 0; r < 8; r++) {
      rows[r] = r < 7 ? row(w.inputs()) : new float[(w.inputs() + 15) / 16 * 16 + 1];
      float[] prepared = prepared(rows[r], kind);
      for (int i = 0; i < w.inputs(); i++) {
        x[r / 4][from + 4 * i + r % 4] = prepared[i];
      }
    }
    int to = 3;
    float[] sum = new float[to + 8 * 4 * group];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = i % 5;
    }
    kind.kernels().addFours(w.packed, 0, w.apart, steps, x, from, sum, to);
    for (int r = 0; r < 8; r++) {
      for (int o = 0; o < 4 * group; o++) {
        int at = to + r * 4 * group + o;
        double before = at % 5;
        assertSum(sum[at], w, o, rows[r], kind.integers() ? before * Int8Kernel.FACTOR : before);
      }
    }
  }

  /** The first of four groups is followed, two blocks on, by the second: groups 0, 3, 6, 9; … */
  @Test
  void copiesSumsInTheOrderOfTheOutputs() {
    int group = VectorGeometry.GROUP;
    int blockApart = 4 * group + GAP;
    float[] sum = new float[2 + 3 * blockApart];
    for (int o = 0; o < 12 * group; o++) {
      int number = o / group;
      sum[2 + number % 3 * blockApart + number / 3 * group + o % group] = o;
    }
    float[] row = new float[12 * group];
    VectorGeometry.copySums(sum, 2, blockApart, 12, row);
    for (int o = 0; o < row.length; o++) {
      assertThat(row[o]).isEqualTo(o);
    }
  }

  private static PlanContext context(Buffers owner, Scratch scratch) {
    return new PlanContext((Arena) owner, (ScratchTiles) scratch);
  }

  /** More rows than it is used for, several slices, a slice of one input, an activation. */
  @ParameterizedTest
  @CsvSource({
    "BFLOAT16,1",
    "BFLOAT16,63",
    "BFLOAT16,513",
    "BFLOAT16,1100",
    "INT8,7",
    "INT8,513",
    "INT8,1100"
  })
  void widensForManyRows(WeightType type, int inputs) {
    int rows = 49;
    int outputs = 70;
    Engine engine = Engines.vector();
    try (Buffers arena = engine.newBuffers();
        Scratch scratch = engine.newScratch();
        PackedMatrix packed =
            engine.pack(Tensors.gaussian(2, DataType.FLOAT, outputs, inputs), type)) {
      assumeThat(packed).isInstanceOf(VectorWeights.class);
      double[] w = Tensors.flat(engine.toArray(packed.unpack()));
      Fp32Tile x = (Fp32Tile) arena.tile(rows, inputs);
      Fp32Tile y = (Fp32Tile) arena.tile(rows, outputs);
      float[][] values = new float[rows][];
      for (int r = 0; r < rows; r++) {
        values[r] = row(inputs);
        x.write(r, values[r], inputs);
      }
      DequantizedMatMul part =
          new DequantizedMatMul(
              context(arena, scratch), x, (VectorWeights) packed, 0, y, Activation.RELU);
      engine.run(1, (lane, i) -> part.run(((ScratchLane) lane).scratch()));
      assertThat(part.implementation()).doesNotContain("ref").isNotEmpty();
      float[] actual = new float[outputs];
      for (int r = 0; r < rows; r++) {
        y.read(r, actual, outputs);
        for (int o = 0; o < outputs; o++) {
          double expected = 0;
          double magnitude = 0;
          for (int i = 0; i < inputs; i++) {
            expected += values[r][i] * w[o * inputs + i];
            magnitude += Math.abs(values[r][i] * w[o * inputs + i]);
          }
          assertThat((double) actual[o])
              .as("row %s, output %s", r, o)
              .isCloseTo(Math.max(0, expected), within(Math.ulp(1f) * (inputs + 1) * magnitude));
        }
      }
    }
  }

  /** What is computed before the kernels are compiled has the bits of what they give. */
  @ParameterizedTest
  @CsvSource({"1,1,1", "1,600,70", "3,40,5", "8,513,33", "9,1100,130"})
  void givesTheSameBitsWithoutKernels(int rows, int inputs, int outputs) {
    Engine engine = Engines.vector();
    try (Buffers arena = engine.newBuffers();
        Scratch scratch = engine.newScratch();
        PackedMatrix packed =
            engine.pack(
                Tensors.gaussian(2, DataType.FLOAT, outputs, inputs), WeightType.BFLOAT16)) {
      assumeThat(packed).isInstanceOf(VectorWeights.class);
      Fp32Tile x = (Fp32Tile) arena.tile(rows, inputs);
      for (int r = 0; r < rows; r++) {
        x.write(r, row(inputs), inputs);
      }
      RowPanels operand = new RowPanels(x, false);
      engine.run(operand.parts(), operand::run);
      float[][][] results = new float[2][rows][outputs];
      for (int kernels = 0; kernels < 2; kernels++) {
        boolean byKernels = kernels == 1;
        Fp32Tile y = (Fp32Tile) arena.tile(rows, outputs);
        VectorMatMul part =
            new VectorMatMul(
                context(arena, scratch), operand, (VectorWeights) packed, 0, y, Activation.NONE);
        engine.run(1, (lane, i) -> part.run(((ScratchLane) lane).scratch(), byKernels));
        for (int r = 0; r < rows; r++) {
          y.read(r, results[kernels][r], outputs);
        }
      }
      assertThat(results[0]).isDeepEqualTo(results[1]);
      assertThat(results[1][rows - 1][outputs - 1]).isNotZero();
    }
  }
}
