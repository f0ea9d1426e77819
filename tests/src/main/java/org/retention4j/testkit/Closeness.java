package org.retention4j.testkit;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.core.reference.RelativeError;

/**
 * Says how a tensor compares with the expected one under a {@link Tolerance}: the worst of the
 * {@link RelativeError}s per head and per token, the worst element, and how many elements are out.
 *
 * <p>An element is out when it is not finite, or when it alone would break its head's or its
 * token's bound if all other elements were as far off: |a−b| above perHead times the head's
 * root-mean-square element, or above perToken times that of its token. A comparison that fails has
 * at least one.
 */
final class Closeness implements RelativeError.Places {
  /** Which dimension is what. */
  enum Layout {
    /** (B,T,H,V). */
    OUTPUT,
    /** (B,H,K,V): a head has one "token". */
    STATE,
    /** (B,T,D), one head. */
    SEQUENCE,
    /** Anything: one head of one token. */
    WHOLE
  }

  private final Tolerance tolerance;
  private final Layout layout;
  private final long[] shape;
  private final double[] actual;
  private final double[] expected;
  private final int batch;
  private final int tokens;
  private final int heads;
  private final int width;

  private double worstHeadError;
  private int worstHeadRow;
  private int worstHead;
  private double worstTokenError;
  private int worstTokenRow;
  private int worstToken;
  private int worstTokenHead;
  private double worstElementError = -1;
  private int worstElement;
  private long out;

  Closeness(double[] actual, double[] expected, long[] shape, Layout layout, Tolerance tolerance) {
    this.actual = actual;
    this.expected = expected;
    this.shape = shape;
    this.layout = layout;
    this.tolerance = tolerance;
    switch (layout) {
      case OUTPUT -> {
        batch = (int) shape[0];
        tokens = (int) shape[1];
        heads = (int) shape[2];
        width = (int) shape[3];
      }
      case STATE -> {
        batch = (int) shape[0];
        tokens = 1;
        heads = (int) shape[1];
        width = (int) (shape[2] * shape[3]);
      }
      case SEQUENCE -> {
        batch = (int) shape[0];
        tokens = (int) shape[1];
        heads = 1;
        width = (int) shape[2];
      }
      default -> {
        batch = 1;
        tokens = 1;
        heads = 1;
        width = actual.length;
      }
    }
    RelativeError.compare(actual, expected, batch, tokens, heads, this);
  }

  /** Returns whether the tensors are as close as the tolerance asks. */
  boolean close() {
    return worstHeadError <= tolerance.perHead() && worstTokenError <= tolerance.perToken();
  }

  private int at(int b, int t, int h) {
    return ((b * tokens + t) * heads + h) * width;
  }

  @Override
  public void head(int b, int h, double error) {
    if (error > worstHeadError) {
      worstHeadError = error;
      worstHeadRow = b;
      worstHead = h;
    }
  }

  @Override
  public void token(int b, int t, int h, double error, double usual, double scale) {
    if (error > worstTokenError) {
      worstTokenError = error;
      worstTokenRow = b;
      worstToken = t;
      worstTokenHead = h;
    }
    double perElement = 1 / Math.sqrt(width);
    double bound = perElement * Math.min(tolerance.perHead() * usual, tolerance.perToken() * scale);
    int from = at(b, t, h);
    for (int i = from; i < from + width; i++) {
      double difference = Math.abs(actual[i] - expected[i]);
      if (!(difference <= bound)) {
        out++;
      }
      double relative =
          RelativeError.ratio(difference, Math.max(Math.abs(expected[i]), scale * perElement));
      if (relative > worstElementError) {
        worstElementError = relative;
        worstElement = i;
      }
    }
  }

  /** Returns the index of the first expected value that is not finite, or −1. */
  int firstBadExpectation() {
    for (int i = 0; i < expected.length; i++) {
      if (!Double.isFinite(expected[i])) {
        return i;
      }
    }
    return -1;
  }

  /** Returns the place of a row-major index in a shape. */
  static long[] place(long index, long[] shape) {
    long[] place = new long[shape.length];
    for (int i = shape.length - 1; i >= 0; i--) {
      place[i] = index % shape[i];
      index /= shape[i];
    }
    return place;
  }

  /** Returns what is wrong, in words and numbers. */
  String describe(String type) {
    StringBuilder text = new StringBuilder();
    line(text, "Expecting tensor of shape %s, %s,", Arrays.toString(shape), type);
    line(text, "to be close to the expected one within %s", tolerance);
    double size = Math.abs(expected[worstElement]);
    double relative =
        RelativeError.ratio(Math.abs(actual[worstElement] - expected[worstElement]), size);
    line(
        text,
        "worst element at %s: actual %s, expected %s, relative error %.3e",
        Arrays.toString(place(worstElement, shape)),
        actual[worstElement],
        expected[worstElement],
        relative);
    if (layout == Layout.WHOLE) {
      line(text, "relative error: %.3e, bound %.1e", worstHeadError, tolerance.perHead());
    } else {
      line(
          text,
          "worst head (b=%d, h=%d): relative error %.3e, bound %.1e",
          worstHeadRow,
          worstHead,
          worstHeadError,
          tolerance.perHead());
    }
    if (layout == Layout.OUTPUT || layout == Layout.SEQUENCE) {
      line(
          text,
          "worst token (b=%d, t=%d, h=%d): relative error %.3e, bound %.1e",
          worstTokenRow,
          worstToken,
          worstTokenHead,
          worstTokenError,
          tolerance.perToken());
    }
    text.append(String.format(Locale.ROOT, "%d of %d elements are out", out, actual.length));
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... arguments) {
    text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }
}
