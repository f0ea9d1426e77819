package org.retention4j.train.pass;

import org.apache.commons.numbers.gamma.Erf;
import org.retention4j.engine.ops.Activation;

/**
 * A number and its derivative in some direction: exact derivatives without a step size.
 *
 * @param v the number
 * @param d its derivative
 */
public record Dual(double v, double d) {
  public static final Dual ZERO = new Dual(0, 0);

  public static Dual of(double v) {
    return new Dual(v, 0);
  }

  public Dual plus(Dual o) {
    return new Dual(v + o.v, d + o.d);
  }

  public Dual minus(Dual o) {
    return new Dual(v - o.v, d - o.d);
  }

  public Dual times(Dual o) {
    return new Dual(v * o.v, d * o.v + v * o.d);
  }

  public Dual times(double c) {
    return new Dual(v * c, d * c);
  }

  public Dual over(Dual o) {
    return new Dual(v / o.v, (d - v / o.v * o.d) / o.v);
  }

  public Dual exp() {
    return new Dual(Math.exp(v), d * Math.exp(v));
  }

  private Dual erf() {
    return new Dual(Erf.value(v), d * 2 / Math.sqrt(Math.PI) * Math.exp(-v * v));
  }

  /** Returns f of it. */
  public Dual activate(Activation f) {
    Dual one = of(1);
    return switch (f) {
      case NONE -> this;
      case SILU -> over(one.plus(times(-1).exp()));
      case GELU -> times(0.5).times(one.plus(times(Math.sqrt(0.5)).erf()));
      case RELU -> v > 0 ? this : ZERO;
      case SIGMOID -> one.over(one.plus(times(-1).exp()));
    };
  }

  /** Returns the numbers with derivatives of 0. */
  public static Dual[][] of(double[][] numbers) {
    Dual[][] all = new Dual[numbers.length][];
    for (int i = 0; i < all.length; i++) {
      all[i] = of(numbers[i]);
    }
    return all;
  }

  public static Dual[] of(double[] numbers) {
    Dual[] all = new Dual[numbers.length];
    for (int j = 0; j < all.length; j++) {
      all[j] = of(numbers[j]);
    }
    return all;
  }

  /** Returns x·wᵀ + bias; the bias is null for none. */
  public static Dual[][] linear(Dual[][] x, Dual[][] w, Dual[][] bias) {
    Dual[][] y = new Dual[x.length][w.length];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < w.length; i++) {
        Dual sum = bias == null ? ZERO : bias[0][i];
        for (int j = 0; j < x[t].length; j++) {
          sum = sum.plus(x[t][j].times(w[i][j]));
        }
        y[t][i] = sum;
      }
    }
    return y;
  }
}
