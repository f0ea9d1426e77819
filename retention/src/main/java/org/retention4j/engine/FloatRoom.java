package org.retention4j.engine;

/** An array that grows when more is asked for; what it held is lost then. One user at a time. */
final class FloatRoom {
  private float[] data = new float[64];

  /** Returns at least so many floats of undefined contents. */
  float[] atLeast(int n) {
    if (data.length < n) {
      data = new float[n];
    }
    return data;
  }
}
