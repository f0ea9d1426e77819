package org.retention4j.internal.memory;

/** An array that grows when more is asked for; what it held is lost then. One user at a time. */
public final class GrowableFloats {
  private float[] data = new float[64];

  /** Returns at least so many floats of undefined contents. */
  public float[] atLeast(int n) {
    if (data.length < n) {
      data = new float[n];
    }
    return data;
  }
}
