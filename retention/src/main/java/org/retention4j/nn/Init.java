package org.retention4j.nn;

import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.NativeLibraries;

/** Seeded random weights in fp32: the same seed gives the same on every platform. */
public final class Init {
  private Init() {}

  /**
   * Returns a matrix (out,in), uniform with variance 1/in.
   *
   * @param random advanced by out·in draws
   */
  public static INDArray uniform(SplittableRandom random, int outputs, int inputs) {
    float[] data = new float[Math.multiplyExact(outputs, inputs)];
    double bound = Math.sqrt(3.0 / inputs);
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    NativeLibraries.requireNd4j();
    return Nd4j.createFromArray(data).reshape(outputs, inputs);
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
