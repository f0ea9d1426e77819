package org.retention4j.internal.float64;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.Int8;
import org.retention4j.internal.linear.MatMul;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Arena;

/** Weights as double rows, one per input feature, so that rows of outputs accumulate. */
final class Fp64Weights implements PackedWeights {
  private final Lanes lanes;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final WeightType type;
  private double[][] byInput;

  Fp64Weights(Lanes lanes, MatrixSource source, WeightType type) {
    this.lanes = lanes;
    outputs = source.rows();
    inputs = source.columns();
    this.type = type;
    byInput = new double[inputs][outputs];
    double[] row = new double[inputs];
    for (int o = 0; o < outputs; o++) {
      source.read(o, row);
      double[] rounded = rounded(row);
      for (int i = 0; i < inputs; i++) {
        byInput[i][o] = rounded[i];
      }
    }
    arena.account(bytes(outputs, inputs)); // Last: a source that throws leaves nothing held.
  }

  /** Returns the bytes that weights take, whatever type they are rounded to. */
  static long bytes(long outputs, long inputs) {
    return Double.BYTES * outputs * inputs;
  }

  private double[] rounded(double[] x) {
    return switch (type) {
      case FLOAT64 -> x;
      case FLOAT32 -> Arrays.stream(x).map(w -> (float) w).toArray();
      case BFLOAT16 ->
          Arrays.stream(x).map(w -> Bfloat16.toFloat(Bfloat16.fromFloat((float) w))).toArray();
      case INT8 -> roundedToIntegers(x);
    };
  }

  private static double[] roundedToIntegers(double[] x) {
    float[] narrow = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      narrow[i] = (float) x[i];
    }
    byte[] integers = new byte[x.length];
    double factor = Int8.round(narrow, x.length, integers);
    return IntStream.range(0, x.length).mapToDouble(i -> integers[i] * factor).toArray();
  }

  @Override
  public int inputs() {
    return inputs;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public WeightType type() {
    return type;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  private double[][] weights() {
    double[][] w = byInput;
    if (w == null) {
      throw new IllegalStateException("these weights are closed");
    }
    return w;
  }

  @Override
  public MatrixSource unpack() {
    double[][] w = weights();
    return new MatrixSource() {
      @Override
      public int rows() {
        return outputs;
      }

      @Override
      public int columns() {
        return inputs;
      }

      @Override
      public void read(int row, float[] into) {
        for (int i = 0; i < inputs; i++) {
          into[i] = (float) w[i][row];
        }
      }

      @Override
      public void read(int row, double[] into) {
        for (int i = 0; i < inputs; i++) {
          into[i] = w[i][row];
        }
      }
    };
  }

  @Override
  public ElementType computes() {
    return ElementType.FLOAT64;
  }

  @Override
  public InputForm inputForm(int rows, boolean bfloat16) {
    return PreparedInput.Direct.FORM;
  }

  @Override
  public int blockOutputs(InputForm form) {
    return outputs;
  }

  /** Binds it in parts of one row. */
  @Override
  public MatMul plan(PlanContext context, PreparedInput input, int block, Tile to, Activation f) {
    Fp64Tile x = (Fp64Tile) input.tile();
    Fp64Tile y = (Fp64Tile) to;
    double[][] w = weights();
    return new MatMul() {
      @Override
      public int parts() {
        return x.rows();
      }

      @Override
      public void run(Lane lane, int part) {
        double[] sum = y.row(part);
        Arrays.fill(sum, 0, outputs, 0);
        for (int i = 0; i < inputs; i++) {
          Fp64Product.addScaled(x.row(part)[i], w[i], sum, outputs);
        }
        activate(f, sum, outputs);
      }

      @Override
      public Tile result(int part) {
        return y.part(part, 1, 0, outputs);
      }

      @Override
      public String implementation() {
        return "java:float64";
      }
    };
  }

  private static void activate(Activation f, double[] x, int n) {
    if (f == Activation.NONE) {
      return;
    }
    for (int i = 0; i < n; i++) {
      x[i] = f.at(x[i]);
    }
  }

  @Override
  public boolean closed() {
    return byInput == null;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public void close() {
    lanes.exclusively(
        () -> {
          byInput = null;
          arena.close();
        });
  }
}
