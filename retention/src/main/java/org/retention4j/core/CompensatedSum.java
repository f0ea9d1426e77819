package org.retention4j.core;

/** A running sum in double with its rounding error carried along (Neumaier). */
final class CompensatedSum {
  private double sum;
  private double error;

  void add(double x) {
    double next = sum + x;
    error += Math.abs(sum) >= Math.abs(x) ? (sum - next) + x : (x - next) + sum;
    sum = next;
  }

  double value() {
    return sum + error;
  }

  CompensatedSum copy() {
    CompensatedSum copy = new CompensatedSum();
    copy.sum = sum;
    copy.error = error;
    return copy;
  }
}
