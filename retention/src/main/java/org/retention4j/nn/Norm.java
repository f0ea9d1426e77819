package org.retention4j.nn;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;

/**
 * A norm over rows of W with its weights: weight ⊙ norm(x) + bias.
 *
 * @param kind RMS, or mean-subtracting
 * @param weight (W), empty for none; over groups (see {@link GroupedNorm}) of one group or of all;
 *     not to be changed
 * @param bias (W), empty for none; not to be changed
 * @param eps added to the mean of squares, or to the variance
 * @since 0.1
 */
public record Norm(NormKind kind, double[] weight, double[] bias, double eps) {
  private static final double[] NONE = {};

  /** Checks that the parts are there. */
  public Norm {
    Args.present("kind of a norm", kind);
    Args.present("weight of a norm", weight);
    Args.present("bias of a norm", bias);
    if (!(eps >= 0) || Double.isInfinite(eps)) {
      throw new IllegalArgumentException("expected a finite eps of a norm >= 0, got " + eps);
    }
  }

  /**
   * Checks that weight and bias are for the same W.
   *
   * @throws IllegalArgumentException for a bias of another length
   */
  public void requireWidth() {
    if (bias.length > 0 && bias.length != weight.length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a norm's bias of as many numbers as its weight, %d, got %d",
              weight.length,
              bias.length));
    }
  }

  /** Returns an RMSNorm; the weight (W) is copied. */
  public static Norm rms(double[] weight, double eps) {
    return new Norm(NormKind.RMS, weight.clone(), NONE, eps);
  }

  /** Returns a norm that scales and shifts nothing yet: weights of 1, biases of 0. */
  public static Norm plain(NormConfig config, int width, double eps) {
    double[] ones = new double[width];
    Arrays.fill(ones, 1);
    return new Norm(config.kind(), ones, config.bias() ? new double[width] : NONE, eps);
  }

  /** Returns what a norm of width W asks for: its weight by a name, and its bias. */
  public static List<WeightSpec> weights(NormConfig config, String name, int width) {
    WeightSpec weight = WeightSpec.norm(name, width);
    return config.bias()
        ? List.of(weight, WeightSpec.bias(name + " bias", width))
        : List.of(weight);
  }

  /** Takes what {@link #weights} asks for. */
  public static Norm take(
      NormConfig config, String name, int width, double eps, WeightSource source) {
    double[][] taken =
        weights(config, name, width).stream()
            .map(asked -> asked.check(source.vector(asked)))
            .toArray(double[][]::new);
    return new Norm(config.kind(), taken[0], config.bias() ? taken[1] : NONE, eps);
  }

  /** Returns what kind of norm this is. */
  public NormConfig config() {
    return new NormConfig(kind, bias.length > 0);
  }

  /** out ← this norm of x, for one row; out may be x. */
  public void run(Lane lane, RowView x, RowView out, int batch, long token, int head) {
    RowView from = x;
    if (kind == NormKind.LAYER) {
      if (x != out) {
        lane.rows().copy(x, batch, token, head, out, batch, token, head);
      }
      lane.rows().center(out, batch, token, head);
      from = out;
    }
    lane.rows().rmsNorm(from, 1, weight, eps, out, batch, token, head);
    if (bias.length > 0) {
      lane.rows().add(out, bias, batch, token, head);
    }
  }

  /** The same for the rows of tokens token … token+n−1. */
  public void run(Lane lane, RowView x, RowView out, int batch, long token, int n, int head) {
    if (kind == NormKind.RMS && bias.length == 0) {
      lane.rows().rmsNorm(x, 1, weight, eps, out, batch, token, n, head);
      return;
    }
    for (int i = 0; i < n; i++) {
      run(lane, x, out, batch, token + i, head);
    }
  }
}
