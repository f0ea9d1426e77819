package org.retention4j.train.optimizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.tensor.TensorReport;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * AdamW with decoupled decay (arXiv 1711.05101) over all parameters in one pass, the whole gradient
 * clipped before it: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − ρ(λw + m̂/(√v̂ + ε)).
 *
 * <p>Gradients are zero again afterwards. Sums are taken in an order of their own, so that the bits
 * do not depend on the number of lanes.
 */
public final class AdamW implements Optimizer {
  /** Elements that a lane takes at once, whole rows. */
  private static final int PART = 1 << 14;

  private final Engine engine;
  private final List<Slot> slots = new ArrayList<>();
  private final Part[] parts;
  private final double[] squares;
  private final double[] ratioSums;

  /** By parameter: what the last step found. */
  private final double[] norms;

  private final double[] ratios;
  private final Arithmetic[] arithmetic;
  private final Lanes.Task sumSquares = this::sumSquares;
  private final Lanes.Task sumRatios = this::sumRatios;
  private final Lanes.Task update = this::update;
  private final Lanes.Task clear = this::clear;
  private OptimizerStep step;

  /** A parameter and its moments; those of vectors lie on the heap. */
  private record Slot(
      int index,
      Parameter parameter,
      boolean decayed,
      RowView w,
      RowView g,
      RowView m,
      RowView v) {}

  /** Some rows of a parameter. */
  private record Part(Slot slot, int from, int to) {}

  /**
   * Makes moments of zeros.
   *
   * @param owner owns them
   * @param decayed tells which parameters decay
   */
  public AdamW(
      Engine engine,
      Buffers owner,
      List<Parameter> parameters,
      java.util.function.Predicate<Parameter> decayed) {
    this.engine = engine;
    List<Part> all = new ArrayList<>();
    int widest = 1;
    for (Parameter parameter : parameters) {
      Slot slot = slot(slots.size(), owner, parameter, decayed.test(parameter));
      slots.add(slot);
      int rows = Math.max(1, PART / parameter.columns());
      for (int from = 0; from < parameter.rows(); from += rows) {
        all.add(new Part(slot, from, Math.min(parameter.rows(), from + rows)));
      }
      widest = Math.max(widest, parameter.columns());
    }
    parts = all.toArray(new Part[0]);
    squares = new double[parts.length];
    ratioSums = new double[parts.length];
    norms = new double[slots.size()];
    ratios = new double[slots.size()];
    arithmetic = new Arithmetic[engine.threads()];
    int width = widest;
    Arrays.setAll(arithmetic, i -> Arithmetic.of(engine.type(), width));
  }

  private static Slot slot(int index, Buffers owner, Parameter parameter, boolean decayed) {
    int rows = parameter.rows();
    int columns = parameter.columns();
    RowView m = owner.tile(rows, columns).asRows(rows, columns);
    RowView v = owner.tile(rows, columns).asRows(rows, columns);
    if (!parameter.isMatrix()) {
      return new Slot(index, parameter, decayed, null, null, m, v);
    }
    return new Slot(
        index, parameter, decayed, view(parameter.value()), view(parameter.gradient()), m, v);
  }

  private static RowView view(Tile tile) {
    return tile.asRows(tile.rows(), tile.columns());
  }

  @Override
  public double gradientNorm() {
    engine.run(parts.length, sumSquares);
    Arrays.fill(norms, 0);
    double sum = 0;
    for (int i = 0; i < parts.length; i++) {
      norms[parts[i].slot().index()] += squares[i];
      sum += squares[i];
    }
    return Math.sqrt(sum);
  }

  private void sumSquares(Lane lane, int index) {
    Part part = parts[index];
    Arithmetic own = arithmetic[lane.index()];
    double sum = 0;
    for (int row = part.from(); row < part.to(); row++) {
      sum +=
          part.slot().g() == null
              ? sumOfSquares(part.slot().parameter().vectorGradient())
              : own.sumOfSquares(part.slot().g(), row);
    }
    squares[index] = sum;
  }

  private static double sumOfSquares(double[] x) {
    double sum = 0;
    for (double value : x) {
      sum += value * value;
    }
    return sum;
  }

  @Override
  public void step(OptimizerStep next, boolean observed) {
    step = next;
    Arrays.fill(ratios, Double.NaN);
    if (observed || next.options().clipUpdates()) {
      engine.run(parts.length, sumRatios);
      Arrays.fill(ratios, 0);
      for (int i = 0; i < parts.length; i++) {
        ratios[parts[i].slot().index()] += ratioSums[i];
      }
      for (Slot slot : slots) {
        long elements = (long) slot.parameter().rows() * slot.parameter().columns();
        ratios[slot.index()] = Math.sqrt(ratios[slot.index()] / elements);
      }
    }
    engine.run(parts.length, update);
  }

  @Override
  public void discard() {
    Arrays.fill(ratios, Double.NaN);
    engine.run(parts.length, clear);
  }

  private void clear(Lane lane, int index) {
    Part part = parts[index];
    if (part.slot().g() == null) {
      Arrays.fill(part.slot().parameter().vectorGradient(), 0);
    } else {
      lane.rows().clear(part.slot().g(), 0, part.from(), 0, part.to() - part.from());
    }
  }

  private void sumRatios(Lane lane, int index) {
    Part part = parts[index];
    Slot slot = part.slot();
    Arithmetic own = arithmetic[lane.index()];
    double sum = 0;
    for (int row = part.from(); row < part.to(); row++) {
      sum +=
          slot.g() == null
              ? own.sumOfRatios(slot.parameter().vectorGradient(), slot.v(), step)
              : own.sumOfRatios(slot.g(), slot.v(), row, step);
    }
    ratioSums[index] = sum;
  }

  @Override
  public List<TensorReport> reports() {
    List<TensorReport> all = new ArrayList<>();
    for (Slot slot : slots) {
      int i = slot.index();
      all.add(new TensorReport(slot.parameter().name(), Math.sqrt(norms[i]), ratios[i]));
    }
    return all;
  }

  private void update(Lane lane, int index) {
    Part part = parts[index];
    Slot slot = part.slot();
    Arithmetic own = arithmetic[lane.index()];
    double rate = step.rate();
    if (step.options().clipUpdates()) {
      rate /= Math.max(1, ratios[slot.index()]);
    }
    double decay = slot.decayed() ? rate * step.options().weightDecay() : 0;
    if (slot.w() == null) {
      own.updateVector(slot.parameter(), slot.m(), slot.v(), step, rate, decay);
      return;
    }
    for (int row = part.from(); row < part.to(); row++) {
      own.update(slot.w(), slot.g(), slot.m(), slot.v(), row, step, rate, decay);
    }
  }

  @Override
  public List<TrainedTensor> moments() {
    List<TrainedTensor> all = new ArrayList<>();
    for (Slot slot : slots) {
      all.add(new Moment(slot.parameter(), "mean", slot.m()));
      all.add(new Moment(slot.parameter(), "square", slot.v()));
    }
    return all;
  }

  /** Returns the bytes of a parameter's moments. */
  public static long bytes(ElementType type, long elements) {
    return 2 * elements * (type == ElementType.FLOAT32 ? Float.BYTES : Double.BYTES);
  }
}
