package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.retention4j.bench.ceiling.Ceiling;
import org.retention4j.bench.measure.Formulas;

/**
 * The measured ceilings, and those of whole layers joined from them. Where a piece of bare work was
 * measured again beside the rows, the better figure counts.
 */
public final class Ceilings {
  /**
   * A ceiling that a row is held to.
   *
   * @param rate GFLOP/s or GB/s
   * @param name how it was reached
   * @param beside the rate of the bare work run by turns with the row, or null
   */
  public record Held(double rate, String name, Double beside) {
    /** Joins this with what was measured beside the row: the better rate counts. */
    private Held join(Held again) {
      if (again == null) {
        return this;
      }
      Held better = again.rate > rate ? again : this;
      return new Held(better.rate, better.name, again.rate);
    }

    private Held best(Held other) {
      return other.rate > rate ? other : this;
    }
  }

  private final Map<Matrix, List<Ceiling>> products = new HashMap<>();
  private final Map<List<Matrix>, Held> mixes = new HashMap<>();
  private final Map<Long, Ceiling> reads = new HashMap<>();
  private final Map<Long, Held> readsAgain = new HashMap<>();
  private final Map<Integer, Ceiling> scales = new HashMap<>();
  private final Map<Integer, Held> scalesAgain = new HashMap<>();

  void product(Matrix matrix, Ceiling ceiling) {
    products.computeIfAbsent(matrix, m -> new ArrayList<>()).add(ceiling);
  }

  void read(long bytes, Ceiling ceiling) {
    reads.put(bytes, ceiling);
  }

  void scale(int batch, Ceiling ceiling) {
    scales.put(batch, ceiling);
  }

  /** Records the product over a list of matrices, measured beside the rows that use them. */
  void productAgain(List<Matrix> matrices, double rate) {
    Held held = new Held(rate, "bare products at the row's matrices, M=512, beside the row", null);
    mixes.merge(matrices, held, Held::best);
  }

  void readAgain(long bytes, double rate, String name) {
    readsAgain.merge(bytes, new Held(rate, name, null), Held::best);
  }

  void scaleAgain(int batch, double rate, String name) {
    scalesAgain.merge(batch, new Held(rate, name, null), Held::best);
  }

  /** Returns the product's rate over a list of matrices, weighted with their FLOPs. */
  public Held product(List<Matrix> matrices) {
    double[] flops = new double[matrices.size()];
    double[] rates = new double[matrices.size()];
    for (int i = 0; i < flops.length; i++) {
      Matrix m = matrices.get(i);
      flops[i] = 2.0 * m.inputs() * m.outputs();
      rates[i] = best(m).value();
    }
    String ways =
        matrices.stream()
            .distinct()
            .map(m -> best(m).name() + " " + Math.round(best(m).value()))
            .collect(Collectors.joining("; "));
    return new Held(
            Formulas.weightedRate(flops, rates),
            "product weighted over the row's matrices: " + ways,
            null)
        .join(mixes.get(matrices));
  }

  private Ceiling best(Matrix m) {
    return products.get(m).stream().max(Comparator.comparingDouble(Ceiling::value)).orElseThrow();
  }

  /** Returns the size of the measured array that is nearest to so many bytes. */
  long nearestRead(double bytes) {
    return reads.keySet().stream()
        .min(Comparator.comparingDouble(size -> Math.abs(Math.log(size / bytes))))
        .orElseThrow();
  }

  /** Returns the fastest way to read an array of this measured size. */
  Ceiling.Way readWay(long size) {
    return reads.get(size).best();
  }

  /** Returns the fastest way to scale the states of 24 layers in place. */
  Ceiling.Way scaleWay(int batch) {
    return scales.get(batch).best();
  }

  /** Returns the read bandwidth over the measured array whose size is nearest. */
  public Held read(double bytes) {
    long size = nearestRead(bytes);
    return held(reads.get(size)).join(readsAgain.get(size));
  }

  /** Returns the rate of the in-place pass over the states of 24 layers. */
  public Held scale(int batch) {
    return held(scales.get(batch)).join(scalesAgain.get(batch));
  }

  private static Held held(Ceiling ceiling) {
    Ceiling.Way best = ceiling.best();
    return new Held(
        best.value(), ceiling.name() + ", " + best.name() + ", threads " + best.threads(), null);
  }
}
