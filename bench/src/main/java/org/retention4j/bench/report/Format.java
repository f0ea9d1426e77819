package org.retention4j.bench.report;

import java.util.Locale;

/** Numbers as people read them; an en dash for what is missing. */
public final class Format {
  private static final String NONE = "–";

  private Format() {}

  /** Returns a number with about three significant digits. */
  public static String number(Double value) {
    if (value == null || value.isNaN()) {
      return NONE;
    }
    double size = Math.abs(value);
    if (size != 0 && size < 1e-3) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    if (value == Math.rint(value) && size < 1e15) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    if (size >= 100) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return String.format(Locale.ROOT, size >= 10 ? "%.1f" : "%.3g", value);
  }

  /** Returns a whole number with separators. */
  public static String count(Number value) {
    return value == null ? NONE : String.format(Locale.ROOT, "%,d", value.longValue());
  }

  /** Returns nanoseconds in the unit that suits them. */
  public static String time(Double nanos) {
    if (nanos == null) {
      return NONE;
    }
    if (nanos >= 1e9) {
      return String.format(Locale.ROOT, "%.2f s", nanos / 1e9);
    }
    if (nanos >= 1e6) {
      return String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
    }
    return nanos >= 1e3
        ? String.format(Locale.ROOT, "%.2f µs", nanos / 1e3)
        : String.format(Locale.ROOT, "%.0f ns", nanos);
  }

  /** Returns bytes in the unit that suits them, in powers of ten. */
  public static String bytes(Double count) {
    if (count == null) {
      return NONE;
    }
    if (count >= 1e9) {
      return String.format(Locale.ROOT, "%.2f GB", count / 1e9);
    }
    if (count >= 1e6) {
      return String.format(Locale.ROOT, "%.1f MB", count / 1e6);
    }
    return count >= 1e3
        ? String.format(Locale.ROOT, "%.1f kB", count / 1e3)
        : String.format(Locale.ROOT, "%.0f B", count);
  }

  /** Returns a ratio with two digits. */
  public static String ratio(Double value) {
    return value == null || value.isNaN() ? NONE : String.format(Locale.ROOT, "%.2f", value);
  }

  /** Returns a text or the dash. */
  public static String text(Object value) {
    return value == null ? NONE : value.toString();
  }
}
