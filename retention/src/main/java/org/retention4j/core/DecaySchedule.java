package org.retention4j.core;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.args.Args;

/**
 * The decays γ_h of the heads, computed in double as logarithms.
 *
 * @param name how the schedule is called in reports
 * @param logDecay ln γ_h, one per head
 * @since 0.1
 */
public record DecaySchedule(String name, LogDecay.PerHead logDecay) {
  /** Checks that nothing is missing. */
  public DecaySchedule {
    Args.present("name", name);
    Args.present("log decays", logDecay);
  }

  /**
   * γ_h = 1 − 2^(−5−h), h = 0…H−1: the schedule of the published checkpoints (arXiv 2307.08621,
   * §3.1 and fla).
   *
   * @param heads H, 1 to 1000
   */
  public static DecaySchedule pow2(int heads) {
    checkHeads(heads);
    double[] logs = new double[heads];
    for (int h = 0; h < heads; h++) {
      logs[h] = Math.log1p(-Math.pow(2, -5 - h));
    }
    return new DecaySchedule("pow2", new LogDecay.PerHead(logs));
  }

  /**
   * γ = 1 − exp(linspace(ln 1/32, ln 1/512, H)): the schedule of the paper's experiments (arXiv
   * 2307.08621, §3.1).
   *
   * @param heads H, 1 to 1000
   */
  public static DecaySchedule linspace(int heads) {
    checkHeads(heads);
    double from = -Math.log(32);
    double to = -Math.log(512);
    double[] logs = new double[heads];
    for (int h = 0; h < heads; h++) {
      double exponent = heads == 1 ? from : from + (to - from) * h / (heads - 1);
      logs[h] = Math.log1p(-Math.exp(exponent));
    }
    return new DecaySchedule("linspace", new LogDecay.PerHead(logs));
  }

  /**
   * ln γ_h = −2^(−8(h+1)/H): the slopes of ALiBi, as Lightning attention has them without regard to
   * the layer.
   *
   * @param heads H, 1 to 1000
   */
  public static DecaySchedule slopes(int heads) {
    return new DecaySchedule("slopes", new LogDecay.PerHead(slopes(heads, 1)));
  }

  /**
   * ln γ_h = −2^(−8(h+1)/H)·(1 − l/(L−1) + 1e-5): Lightning attention's, which forgets the less the
   * later the layer.
   *
   * @param heads H, 1 to 1000
   * @param layer l, 0 … L−1
   * @param layers L, at least 2
   * @throws IllegalArgumentException if there is no such layer
   */
  public static DecaySchedule slopes(int heads, int layer, int layers) {
    if (layers < 2 || layer < 0 || layer >= layers) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a layer in 0..L-1 of L >= 2 layers, got layer %d of %d",
              layer,
              layers));
    }
    double[] logs = slopes(heads, 1 - (double) layer / (layers - 1) + 1e-5);
    String name = String.format(Locale.ROOT, "slopes of layer %d of %d", layer, layers);
    return new DecaySchedule(name, new LogDecay.PerHead(logs));
  }

  private static double[] slopes(int heads, double factor) {
    checkHeads(heads);
    double[] logs = new double[heads];
    for (int h = 0; h < heads; h++) {
      logs[h] = -Math.pow(2, -8.0 * (h + 1) / heads) * factor;
    }
    return logs;
  }

  /**
   * Any decays.
   *
   * @param gammas γ_h, each in (0,1]; 1 is linear attention
   * @throws IllegalArgumentException for a γ outside (0,1], or none
   */
  public static DecaySchedule custom(double... gammas) {
    Args.present("gammas", gammas);
    checkHeads(gammas.length);
    double[] logs = new double[gammas.length];
    for (int h = 0; h < gammas.length; h++) {
      if (!(gammas[h] > 0 && gammas[h] <= 1)) {
        throw new IllegalArgumentException(
            String.format(Locale.ROOT, "expected γ in (0,1] for head %d, got %s", h, gammas[h]));
      }
      logs[h] = Math.log(gammas[h]);
    }
    return new DecaySchedule("custom", new LogDecay.PerHead(logs));
  }

  private static void checkHeads(int heads) {
    if (heads < 1 || heads > 1000) {
      throw new IllegalArgumentException("expected 1 to 1000 heads, got " + heads);
    }
  }

  /** Returns H. */
  public int heads() {
    return logDecay.heads();
  }

  /** Returns γ_h rounded to double, for display. */
  public double[] gammas() {
    return Arrays.stream(logDecay.values()).map(Math::exp).toArray();
  }
}
