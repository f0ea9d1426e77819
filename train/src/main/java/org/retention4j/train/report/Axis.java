package org.retention4j.train.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * From values to pixels.
 *
 * @param least value, shown at {@code from}; above 0 of a logarithmic axis
 * @param most value, shown at {@code to}; above {@code least}
 * @param logarithmic whether equal ratios are equal lengths
 */
record Axis(double least, double most, boolean logarithmic, double from, double to) {
  /** Makes an axis for values, of which there may be none, or one only. */
  static Axis of(double[] values, boolean logarithmic, boolean fromZero, double from, double to) {
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      if (Double.isFinite(value) && !(logarithmic && value <= 0)) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
    }
    if (least > most) {
      return new Axis(logarithmic ? 1 : 0, logarithmic ? 10 : 1, logarithmic, from, to);
    }
    if (logarithmic) {
      return new Axis(least / 1.05, most * 1.05, true, from, to);
    }
    least = fromZero ? Math.min(0, least) : least;
    double room = most > least ? 0.04 * (most - least) : Math.max(0.5 * Math.abs(most), 0.5);
    return new Axis(least, most + room, false, from, to);
  }

  /** Returns where a value is shown. */
  double pixel(double value) {
    double part =
        logarithmic
            ? Math.log(value / least) / Math.log(most / least)
            : (value - least) / (most - least);
    return from + part * (to - from);
  }

  /** Returns whether a value can be shown. */
  boolean shows(double value) {
    return Double.isFinite(value) && value >= least && value <= most;
  }

  /** Returns round values, three to some ten. */
  List<Double> ticks() {
    return logarithmic && most / least > 10 ? decades() : even();
  }

  private List<Double> even() {
    double step = Math.pow(10, Math.floor(Math.log10((most - least) / 3)));
    for (double larger : new double[] {5 * step, 2 * step}) {
      if ((most - least) / larger >= 3) {
        step = larger;
        break;
      }
    }
    List<Double> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(least / step); i * step <= most; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  private List<Double> decades() {
    double[] digits = most / least > 1000 ? new double[] {1} : new double[] {1, 2, 5};
    List<Double> ticks = new ArrayList<>();
    for (int e = (int) Math.floor(Math.log10(least)); Math.pow(10, e) <= most; e++) {
      for (double digit : digits) {
        double tick = digit * Math.pow(10, e);
        if (tick >= least && tick <= most) {
          ticks.add(tick);
        }
      }
    }
    return ticks;
  }

  /** Returns a number of four digits at most, as people write it: 1.5 M, 20 k, 0.003, 1e-5. */
  static String label(double value) {
    double size = Math.abs(value);
    String unit = size >= 1e9 ? " G" : size >= 1e6 ? " M" : size >= 1e4 ? " k" : "";
    double scale = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e4 ? 1e3 : 1;
    if (!Double.isFinite(value)) {
      return String.valueOf(value);
    }
    if (size != 0 && (size < 1e-3 || size >= 1e13)) {
      return String.format(Locale.ROOT, "%.2e", value).replaceFirst("\\.?0*e([+-])0*", "e$1");
    }
    BigDecimal rounded = new BigDecimal(value / scale).round(new MathContext(4));
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString() + unit;
  }
}
