package org.retention4j.core.reference;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How far one array is from another, as the bounds of equality count it: per head, and per token so
 * that none hides in a norm.
 *
 * <p>A token's error is relative to that token's own norm, but to no less than {@value
 * #TOKEN_FLOOR} of the head's root-mean-square token norm. Where the terms of a token cancel (which
 * happens by chance at V = 1, where a token is one number) its own norm says nothing about the size
 * of what was rounded, and an exact implementation would fail. A head that should be zero must be
 * zero: no error is small relative to nothing. A NaN is an infinite error.
 *
 * @param perHead largest ‖a−b‖/‖b‖ of a head
 * @param perToken largest ‖a−b‖/‖b‖ of a single token and head
 * @since 0.1
 */
public record RelativeError(double perHead, double perToken) {
  /** The part of a head's root-mean-square token norm below which no token is judged. */
  public static final double TOKEN_FLOOR = 1.0 / 16;

  /** No difference. */
  public static final RelativeError NONE = new RelativeError(0, 0);

  /** Takes the errors of single heads and tokens. */
  public interface Places {
    /** Takes the error of a head over all its tokens. */
    void head(int row, int head, double error);

    /**
     * Takes the error of a head's token.
     *
     * @param usual the head's root-mean-square token norm
     * @param scale the norm that the error is relative to
     */
    void token(int row, int token, int head, double error, double usual, double scale);
  }

  /**
   * Compares (B,T,H,W), or (B,T,W) with one head.
   *
   * @param a measured
   * @param b what it is held to
   */
  public static RelativeError ofTokens(INDArray a, INDArray b) {
    int heads = a.rank() == 4 ? (int) a.size(2) : 1;
    return of(a, b, (int) a.size(0), (int) a.size(1), heads);
  }

  /** Compares states (B,H,K,V) head by head. */
  public static RelativeError ofStates(INDArray a, INDArray b) {
    return new RelativeError(of(a, b, (int) (a.size(0) * a.size(1)), 1, 1).perHead, 0);
  }

  private static RelativeError of(INDArray a, INDArray b, int batch, int tokens, int heads) {
    double[] worst = new double[2];
    compare(
        ReferenceMath.flat(a),
        ReferenceMath.flat(b),
        batch,
        tokens,
        heads,
        new Places() {
          @Override
          public void head(int row, int head, double error) {
            worst[0] = Math.max(worst[0], error);
          }

          @Override
          public void token(
              int row, int token, int head, double error, double usual, double scale) {
            worst[1] = Math.max(worst[1], error);
          }
        });
    return new RelativeError(worst[0], worst[1]);
  }

  /** Returns the larger of each. */
  public RelativeError orWorse(RelativeError other) {
    return new RelativeError(Math.max(perHead, other.perHead), Math.max(perToken, other.perToken));
  }

  /** Returns whether a head's error is at most a bound, and a token's at most four times that. */
  public boolean within(double bound) {
    return perHead <= bound && perToken <= Bounds.TOKEN_FACTOR * bound;
  }

  /**
   * Compares numbers (B,T,H,W) in row-major order.
   *
   * @param a measured
   * @param b what they are held to
   * @param each takes the errors, a head's before those of its tokens
   */
  public static void compare(
      double[] a, double[] b, int batch, int tokens, int heads, Places each) {
    int width = a.length == 0 ? 0 : a.length / (batch * tokens * heads);
    double[] sizes = new double[tokens];
    double[] differences = new double[tokens];
    double[] row = new double[width];
    for (int s = 0; s < batch && width > 0; s++) {
      for (int h = 0; h < heads; h++) {
        for (int t = 0; t < tokens; t++) {
          int from = ((s * tokens + t) * heads + h) * width;
          System.arraycopy(b, from, row, 0, width);
          sizes[t] = norm(row);
          for (int i = 0; i < width; i++) {
            row[i] = a[from + i] - b[from + i];
          }
          differences[t] = norm(row);
        }
        double size = norm(sizes);
        each.head(s, h, ratio(norm(differences), size));
        double usual = size / Math.sqrt(tokens);
        for (int t = 0; t < tokens; t++) {
          double scale = Math.max(sizes[t], TOKEN_FLOOR * usual);
          each.token(s, t, h, ratio(differences[t], scale), usual, scale);
        }
      }
    }
  }

  /** Returns √Σx², where no square may overflow or vanish; NaN if there is one. */
  private static double norm(double[] x) {
    double largest = 0;
    for (double value : x) {
      largest = Math.max(largest, Math.abs(value));
    }
    if (largest == 0 || !Double.isFinite(largest)) {
      return largest;
    }
    double sum = 0;
    for (double value : x) {
      sum += (value / largest) * (value / largest);
    }
    return largest * Math.sqrt(sum);
  }

  /** Returns error/size; 0 for 0/0 and infinity for NaN, so that neither passes unseen. */
  public static double ratio(double error, double size) {
    if (error == 0) {
      return 0;
    }
    double ratio = error / size;
    return Double.isNaN(ratio) ? Double.POSITIVE_INFINITY : ratio;
  }
}
