package org.retention4j.train.optimizer;

import java.util.Arrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowView;

/** What {@link Muon} does row by row, in the engine's type; belongs to one lane. */
abstract class MuonRows {
  /** The quintic of Newton-Schulz: p(x) = 3.4445 x − 4.7750 x³ + 2.0315 x⁵. */
  static final double LINEAR = 3.4445;

  static final double CUBIC = -4.7750;
  static final double QUINTIC = 2.0315;

  static MuonRows of(ElementType type, int width) {
    return type == ElementType.FLOAT32 ? new Narrow(width) : new Wide(width);
  }

  /**
   * m ← μm + scale·g, x ← scale·g + μm, g ← 0.
   *
   * @return Σ x²
   */
  abstract double accumulate(
      RowView g, RowView m, RowView x, int row, double scale, double momentum);

  /** Row of p ← 3.4445·I − 4.7750·a + 2.0315·p, where p is a². */
  abstract void mix(RowView a, RowView p, int row);

  /** w ← keep·w − rate·x. */
  abstract void update(RowView w, RowView x, int row, double keep, double rate);

  /** In float64. */
  private static final class Wide extends MuonRows {
    private final double[] first;
    private final double[] second;

    Wide(int width) {
      first = new double[width];
      second = new double[width];
    }

    @Override
    double accumulate(RowView g, RowView m, RowView x, int row, double scale, double momentum) {
      int n = g.width();
      g.read(0, row, 0, first);
      m.read(0, row, 0, second);
      double sum = 0;
      for (int i = 0; i < n; i++) {
        double gradient = scale * first[i];
        second[i] = momentum * second[i] + gradient;
        first[i] = gradient + momentum * second[i];
        sum += first[i] * first[i];
      }
      m.write(0, row, 0, second);
      x.write(0, row, 0, first);
      Arrays.fill(first, 0, n, 0);
      g.write(0, row, 0, first);
      return sum;
    }

    @Override
    void mix(RowView a, RowView p, int row) {
      a.read(0, row, 0, first);
      p.read(0, row, 0, second);
      for (int i = 0; i < a.width(); i++) {
        second[i] = CUBIC * first[i] + QUINTIC * second[i];
      }
      second[row] += LINEAR;
      p.write(0, row, 0, second);
    }

    @Override
    void update(RowView w, RowView x, int row, double keep, double rate) {
      w.read(0, row, 0, first);
      x.read(0, row, 0, second);
      for (int i = 0; i < w.width(); i++) {
        first[i] = keep * first[i] - rate * second[i];
      }
      w.write(0, row, 0, first);
    }
  }

  /** In fp32, as loops that the compiler makes vectors of. */
  private static final class Narrow extends MuonRows {
    private final float[] first;
    private final float[] second;

    Narrow(int width) {
      first = new float[width];
      second = new float[width];
    }

    @Override
    double accumulate(RowView g, RowView m, RowView x, int row, double scale, double momentum) {
      int n = g.width();
      g.read(0, row, 0, first);
      m.read(0, row, 0, second);
      moments(n, (float) scale, (float) momentum);
      m.write(0, row, 0, second);
      x.write(0, row, 0, first);
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += (double) first[i] * first[i];
      }
      Arrays.fill(first, 0, n, 0f);
      g.write(0, row, 0, first);
      return sum;
    }

    private void moments(int n, float scale, float momentum) {
      for (int i = 0; i < n; i++) {
        float gradient = scale * first[i];
        float mean = momentum * second[i] + gradient;
        second[i] = mean;
        first[i] = gradient + momentum * mean;
      }
    }

    @Override
    void mix(RowView a, RowView p, int row) {
      a.read(0, row, 0, first);
      p.read(0, row, 0, second);
      float cubic = (float) CUBIC;
      float quintic = (float) QUINTIC;
      for (int i = 0; i < a.width(); i++) {
        second[i] = cubic * first[i] + quintic * second[i];
      }
      second[row] += (float) LINEAR;
      p.write(0, row, 0, second);
    }

    @Override
    void update(RowView w, RowView x, int row, double keep, double rate) {
      w.read(0, row, 0, first);
      x.read(0, row, 0, second);
      float narrowKeep = (float) keep;
      float narrowRate = (float) rate;
      for (int i = 0; i < w.width(); i++) {
        first[i] = narrowKeep * first[i] - narrowRate * second[i];
      }
      w.write(0, row, 0, first);
    }
  }
}
