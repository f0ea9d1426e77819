package org.retention4j.core;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How far one array is from another, as the bounds of equality count it: per head, and per token so
 * that none hides in a norm.
 *
 * @param perHead largest ‖a−b‖/‖b‖ of a head
 * @param perToken largest ‖a−b‖/‖b‖ of a single token and head; a token much smaller than its
 *     head's others, where large terms cancel, counts as a sixteenth of their root mean square
 */
public record RelativeError(double perHead, double perToken) {
  private static final double TOKEN_FLOOR = 1.0 / 16;

  /**
   * Compares (B,T,H,W), or (B,T,W) with one head.
   *
   * @param a measured
   * @param b what it is held to
   */
  public static RelativeError ofTokens(INDArray a, INDArray b) {
    long batch = a.size(0);
    long tokens = a.size(1);
    long heads = a.rank() == 4 ? a.size(2) : 1;
    return compare(flat(a), flat(b), (int) batch, (int) tokens, (int) heads);
  }

  /** Compares states (B,H,K,V) head by head. */
  public static RelativeError ofStates(INDArray a, INDArray b) {
    int heads = (int) (a.size(0) * a.size(1));
    RelativeError each = compare(flat(a), flat(b), heads, 1, 1);
    return new RelativeError(each.perHead, 0);
  }

  /** Returns the larger of each. */
  public RelativeError orWorse(RelativeError other) {
    return new RelativeError(Math.max(perHead, other.perHead), Math.max(perToken, other.perToken));
  }

  private static double[] flat(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  private static RelativeError compare(double[] a, double[] b, int batch, int tokens, int heads) {
    int width = a.length / (batch * tokens * heads);
    double perHead = 0;
    double perToken = 0;
    for (int s = 0; s < batch; s++) {
      for (int h = 0; h < heads; h++) {
        double difference = 0;
        double size = 0;
        double[] differences = new double[tokens];
        double[] sizes = new double[tokens];
        for (int t = 0; t < tokens; t++) {
          int from = ((s * tokens + t) * heads + h) * width;
          for (int i = from; i < from + width; i++) {
            differences[t] += (a[i] - b[i]) * (a[i] - b[i]);
            sizes[t] += b[i] * b[i];
          }
          difference += differences[t];
          size += sizes[t];
        }
        double floor = TOKEN_FLOOR * TOKEN_FLOOR * size / tokens;
        for (int t = 0; t < tokens; t++) {
          perToken = worse(perToken, differences[t], Math.max(sizes[t], floor));
        }
        perHead = worse(perHead, difference, size);
      }
    }
    return new RelativeError(perHead, perToken);
  }

  /** Keeps the larger error; a NaN is larger than anything. */
  private static double worse(double sofar, double difference, double size) {
    double error = difference == 0 ? 0 : Math.sqrt(difference / size);
    return error <= sofar ? sofar : Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
  }
}
