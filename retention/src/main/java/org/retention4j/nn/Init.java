package org.retention4j.nn;

import java.util.SplittableRandom;
import org.retention4j.engine.ops.MatrixSource;

/**
 * Seeded random weights in fp32: the same seed gives the same on every platform.
 *
 * @since 0.1
 */
public final class Init {
  private Init() {}

  /**
   * Returns a matrix (out,in), uniform with variance 1/in.
   *
   * @param random advanced by out·in draws
   */
  public static MatrixSource uniform(SplittableRandom random, int outputs, int inputs) {
    float[] data = new float[Math.multiplyExact(outputs, inputs)];
    double bound = Math.sqrt(3.0 / inputs);
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    return new Drawn(data, outputs, inputs);
  }

  private record Drawn(float[] data, int rows, int columns) implements MatrixSource {
    @Override
    public void read(int row, float[] into) {
      System.arraycopy(data, row * columns, into, 0, columns);
    }

    @Override
    public void read(int row, double[] into) {
      for (int i = 0; i < columns; i++) {
        into[i] = data[row * columns + i];
      }
    }
  }

  /**
   * Returns the weight of a norm, uniform in [0.75, 1.25).
   *
   * @param random advanced by a draw for each number
   */
  public static double[] norm(SplittableRandom random, int length) {
    return vector(random, length, 0.75, 0.5);
  }

  /**
   * Returns a bias, uniform in [−0.5, 0.5).
   *
   * @param random advanced by a draw for each number
   */
  public static double[] bias(SplittableRandom random, int length) {
    return vector(random, length, -0.5, 1);
  }

  private static double[] vector(SplittableRandom random, int length, double from, double width) {
    double[] vector = new double[length];
    for (int i = 0; i < length; i++) {
      vector[i] = (float) (from + width * random.nextDouble());
    }
    return vector;
  }
}
