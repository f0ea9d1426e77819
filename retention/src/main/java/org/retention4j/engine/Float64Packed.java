package org.retention4j.engine;

import java.util.Arrays;
import org.apache.commons.numbers.gamma.Erfc;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Weights as double rows, one per input feature, so that rows of outputs accumulate. */
final class Float64Packed implements PackedMatrix {
  private final Engine engine;
  private final Arena arena = new Arena();
  private final int inputs;
  private final int outputs;
  private final WeightType type;
  private double[][] byInput;

  Float64Packed(Engine engine, MatrixSource source, WeightType type) {
    this.engine = engine;
    outputs = source.rows();
    inputs = source.columns();
    this.type = type;
    arena.account(bytes(outputs, inputs));
    byInput = new double[inputs][outputs];
    double[] row = new double[inputs];
    for (int o = 0; o < outputs; o++) {
      source.read(o, row);
      round(row);
      for (int i = 0; i < inputs; i++) {
        byInput[i][o] = row[i];
      }
    }
  }

  /** Returns the bytes that weights take, whatever type they are rounded to. */
  static long bytes(long outputs, long inputs) {
    return Double.BYTES * outputs * inputs;
  }

  private void round(double[] x) {
    if (type == WeightType.INT8) {
      float[] narrow = new float[inputs];
      byte[] integers = new byte[inputs];
      for (int i = 0; i < inputs; i++) {
        narrow[i] = (float) x[i];
      }
      double factor = Int8.round(narrow, inputs, integers);
      for (int i = 0; i < inputs; i++) {
        x[i] = integers[i] * factor;
      }
      return;
    }
    for (int i = 0; i < inputs; i++) {
      x[i] =
          switch (type) {
            case FLOAT32 -> (float) x[i];
            case BFLOAT16 -> Bfloat16.toFloat(Bfloat16.fromFloat((float) x[i]));
            default -> x[i];
          };
    }
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
  public INDArray unpack() {
    double[][] w = weights();
    INDArray result = Nd4j.createUninitialized(DataType.DOUBLE, outputs, inputs);
    Rows rows = Rows.of(result.reshape(1, outputs, inputs));
    double[] row = new double[inputs];
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < inputs; i++) {
        row[i] = w[i][o];
      }
      rows.write(0, o, 0, row);
    }
    return result;
  }

  /** Returns y ← f(x·Wᵀ) in parts of one row. */
  Projection projection(Float64Tile x, Float64Tile y, Activation f) {
    double[][] w = weights();
    return new Projection() {
      @Override
      public int parts() {
        return x.rows();
      }

      @Override
      public void run(Lane lane, int part) {
        double[] sum = y.row(part);
        Arrays.fill(sum, 0, outputs, 0);
        for (int i = 0; i < inputs; i++) {
          Float64Product.addScaled(x.row(part)[i], w[i], sum, outputs);
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
    switch (f) {
      case NONE -> {}
      case SILU -> {
        for (int i = 0; i < n; i++) {
          x[i] /= 1 + Math.exp(-x[i]);
        }
      }
      case GELU -> {
        for (int i = 0; i < n; i++) {
          x[i] *= 0.5 * Erfc.value(-x[i] / Math.sqrt(2));
        }
      }
      case RELU -> {
        for (int i = 0; i < n; i++) {
          x[i] = Math.max(x[i], 0);
        }
      }
    }
  }

  @Override
  public boolean closed() {
    return byInput == null;
  }

  /** Waits for a running step, which reads the weights. */
  @Override
  public void close() {
    engine.exclusively(
        () -> {
          byInput = null;
          arena.close();
        });
  }
}
