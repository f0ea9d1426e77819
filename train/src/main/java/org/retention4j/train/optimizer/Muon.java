package org.retention4j.train.optimizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.optimizer.Orthogonalizer.Shape;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.tensor.TensorReport;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Muon (Jordan et al. 2024) for matrices, each by itself, and {@link AdamW} for all else:
 *
 * <pre>
 * m ← μm + g      u ← g + μm                                     Nesterov's momentum
 * O ← u/‖u‖ after five Newton-Schulz steps                       {@link Orthogonalizer}
 * w ← w − ρ(λw + 0.2·√max(out,in)·O)
 * </pre>
 *
 * <p>The factor of O is that of arXiv 2502.16982 (Moonlight): the root mean square of an update is
 * about 0.2, as AdamW's is, so that AdamW's rates and decays serve both. (The first Muon has
 * √max(1, out/in) in its place, and rates of its own.)
 *
 * <p>Matrices are taken in groups, as many as fit a workspace, one group after the other. Sums are
 * taken in an order of their own, so that the bits do not depend on the number of lanes.
 */
public final class Muon implements Optimizer {
  private static final double LIKE_ADAM = 0.2;

  /** Elements of a group's matrices, unless a single one has more. */
  private static final long GROUP = 1 << 19;

  /** Elements that a lane takes at once, whole rows. */
  private static final int PART = 1 << 14;

  private final Engine engine;
  private final Scratch scratch;
  private final AdamW rest;
  private final List<Slot> slots = new ArrayList<>();
  private final List<Group> groups = new ArrayList<>();
  private final Part[] parts;
  private final double[] squares;

  /** Σ u² of each part, by its number. */
  private final double[] updateSquares;

  private final double[] norms;

  /** 1 / ‖u‖ of each matrix, 0 where there is nothing. */
  private final double[] factors;

  private final Arithmetic[] arithmetic;
  private final MuonRows[] rows;

  /** By parameter of all: whether it is Muon's. */
  private final boolean[] own;

  private final Lanes.Task sumSquares = this::sumSquares;
  private final Lanes.Task clear = this::clear;
  private final Lanes.Task accumulate = this::accumulate;
  private final Lanes.Task normalize = this::normalize;
  private final Lanes.Task update = this::update;
  private Group group;
  private OptimizerStep step;

  /** A matrix, its momentum, and where its update stands in its group's workspace. */
  private record Slot(
      int index,
      Parameter parameter,
      boolean decayed,
      RowView w,
      RowView g,
      RowView m,
      RowView in,
      RowView out) {}

  /** Some rows of a matrix. */
  private record Part(Slot slot, int from, int to) {}

  /** Matrices that share a workspace at a time: parts from a first one on. */
  private record Group(Orthogonalizer orthogonalizer, int from, int count) {}

  /**
   * Makes momenta of zeros.
   *
   * @param owner owns them
   * @param decayed tells which parameters decay
   * @param matrices tells which parameters are Muon's, all of them matrices
   */
  public Muon(
      Engine engine,
      Buffers owner,
      List<Parameter> parameters,
      Predicate<Parameter> decayed,
      Predicate<Parameter> matrices) {
    this.engine = engine;
    own = new boolean[parameters.size()];
    List<Parameter> mine = new ArrayList<>();
    List<Parameter> others = new ArrayList<>();
    for (int i = 0; i < own.length; i++) {
      own[i] = matrices.test(parameters.get(i));
      (own[i] ? mine : others).add(parameters.get(i));
    }
    int widest = mine.stream().mapToInt(Parameter::columns).max().orElse(1);
    rows = new MuonRows[engine.threads()];
    arithmetic = new Arithmetic[engine.threads()];
    Arrays.setAll(rows, i -> MuonRows.of(engine.type(), widest));
    Arrays.setAll(arithmetic, i -> Arithmetic.of(engine.type(), widest));
    rest = new AdamW(engine, owner, others, decayed);
    scratch = engine.newScratch();
    boolean bound = false;
    try {
      parts = bind(owner, mine, decayed);
      bound = true;
    } finally {
      if (!bound) {
        scratch.close();
      }
    }
    squares = new double[parts.length];
    updateSquares = new double[parts.length];
    norms = new double[slots.size()];
    factors = new double[slots.size()];
  }

  private Part[] bind(Buffers owner, List<Parameter> matrices, Predicate<Parameter> decayed) {
    List<Part> all = new ArrayList<>();
    for (List<Shape> shapes : groups(matrices.stream().map(Muon::shape).toList())) {
      scratch.rewind();
      Orthogonalizer orthogonalizer = new Orthogonalizer(engine, owner, scratch, shapes, rows);
      int from = all.size();
      for (int i = 0; i < shapes.size(); i++) {
        Parameter parameter = matrices.get(slots.size());
        Slot slot =
            new Slot(
                slots.size(),
                parameter,
                decayed.test(parameter),
                view(parameter.value()),
                view(parameter.gradient()),
                view(owner.tile(parameter.rows(), parameter.columns())),
                orthogonalizer.in(i),
                orthogonalizer.out(i));
        slots.add(slot);
        addParts(all, slot);
      }
      groups.add(new Group(orthogonalizer, from, all.size() - from));
    }
    return all.toArray(new Part[0]);
  }

  private static void addParts(List<Part> to, Slot slot) {
    int n = slot.parameter().rows();
    int rows = Math.max(1, PART / slot.parameter().columns());
    for (int from = 0; from < n; from += rows) {
      to.add(new Part(slot, from, Math.min(n, from + rows)));
    }
  }

  private static Shape shape(Parameter parameter) {
    return new Shape(parameter.rows(), parameter.columns());
  }

  private static RowView view(Tile tile) {
    return tile.asRows(tile.rows(), tile.columns());
  }

  private static List<List<Shape>> groups(List<Shape> shapes) {
    List<List<Shape>> groups = new ArrayList<>();
    long sum = GROUP;
    for (Shape shape : shapes) {
      long elements = (long) shape.rows() * shape.columns();
      if (sum + elements > GROUP) {
        groups.add(new ArrayList<>());
        sum = 0;
      }
      groups.get(groups.size() - 1).add(shape);
      sum += elements;
    }
    return groups;
  }

  /**
   * Returns the numbers of the workspace for matrices, beside their momenta: one of each size for
   * as many as a group has of it.
   */
  public static long workspace(List<WeightSpec> matrices) {
    List<Shape> shapes =
        matrices.stream()
            .map(w -> new Shape(Math.toIntExact(w.rows()), Math.toIntExact(w.columns())))
            .toList();
    Map<Shape, Integer> most = new HashMap<>();
    for (List<Shape> some : groups(shapes)) {
      Map<Shape, Integer> counts = new HashMap<>();
      some.forEach(shape -> counts.merge(shape, 1, Integer::sum));
      counts.forEach((shape, count) -> most.merge(shape, count, Math::max));
    }
    return most.entrySet().stream().mapToLong(e -> e.getValue() * e.getKey().numbers()).sum();
  }

  /**
   * Returns the floating-point operations of the products of a matrix in a step: five times those
   * of A, A² and of their sum with X.
   */
  public static double flops(WeightSpec matrix) {
    double m = Math.min(matrix.rows(), matrix.columns());
    double n = Math.max(matrix.rows(), matrix.columns());
    return Orthogonalizer.STEPS * (4 * m * m * n + 2 * m * m * m);
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
    double others = rest.gradientNorm();
    return Math.sqrt(sum + others * others);
  }

  private void sumSquares(Lane lane, int index) {
    Part part = parts[index];
    double sum = 0;
    for (int row = part.from(); row < part.to(); row++) {
      sum += arithmetic[lane.index()].sumOfSquares(part.slot().g(), row);
    }
    squares[index] = sum;
  }

  @Override
  public void step(OptimizerStep next, boolean observed) {
    step = next;
    for (int i = 0; i < groups.size(); i++) {
      group = groups.get(i);
      engine.run(group.count(), accumulate);
      sumUpdates();
      engine.run(group.count(), normalize);
      group.orthogonalizer().run();
      engine.run(group.count(), update);
    }
    rest.step(next, observed);
  }

  private void accumulate(Lane lane, int index) {
    Part part = parts[group.from() + index];
    Slot slot = part.slot();
    double momentum = step.options().momentum();
    double sum = 0;
    for (int row = part.from(); row < part.to(); row++) {
      sum +=
          rows[lane.index()].accumulate(slot.g(), slot.m(), slot.in(), row, step.scale(), momentum);
    }
    updateSquares[group.from() + index] = sum;
  }

  private void sumUpdates() {
    for (int i = group.from(); i < group.from() + group.count(); i++) {
      factors[parts[i].slot().index()] = 0;
    }
    for (int i = group.from(); i < group.from() + group.count(); i++) {
      factors[parts[i].slot().index()] += updateSquares[i];
    }
    for (int i = group.from(); i < group.from() + group.count(); i++) {
      Part part = parts[i];
      if (part.from() == 0) {
        double sum = factors[part.slot().index()];
        factors[part.slot().index()] = sum == 0 ? 0 : 1 / Math.sqrt(sum);
      }
    }
  }

  private void normalize(Lane lane, int index) {
    Part part = parts[group.from() + index];
    double factor = factors[part.slot().index()];
    for (int row = part.from(); row < part.to(); row++) {
      lane.rows().scale(part.slot().in(), 0, row, 0, factor);
    }
  }

  private void update(Lane lane, int index) {
    Part part = parts[group.from() + index];
    Slot slot = part.slot();
    int longer = Math.max(slot.parameter().rows(), slot.parameter().columns());
    double rate = step.rate() * LIKE_ADAM * Math.sqrt(longer);
    double keep = 1 - (slot.decayed() ? step.rate() * step.options().weightDecay() : 0);
    for (int row = part.from(); row < part.to(); row++) {
      rows[lane.index()].update(slot.w(), slot.out(), row, keep, rate);
    }
  }

  @Override
  public void discard() {
    engine.run(parts.length, clear);
    rest.discard();
  }

  private void clear(Lane lane, int index) {
    Part part = parts[index];
    lane.rows().clear(part.slot().g(), 0, part.from(), 0, part.to() - part.from());
  }

  @Override
  public List<TensorReport> reports() {
    List<TensorReport> others = rest.reports();
    List<TensorReport> all = new ArrayList<>();
    int mine = 0;
    for (boolean muon : own) {
      if (muon) {
        Slot slot = slots.get(mine);
        double norm = Math.sqrt(norms[mine++]);
        all.add(new TensorReport(slot.parameter().name(), norm, Double.NaN));
      } else {
        all.add(others.get(all.size() - mine));
      }
    }
    return all;
  }

  @Override
  public List<TrainedTensor> moments() {
    List<TrainedTensor> all = new ArrayList<>();
    slots.forEach(slot -> all.add(new Moment(slot.parameter(), "momentum", slot.m())));
    all.addAll(rest.moments());
    return all;
  }

  @Override
  public long bytes() {
    return scratch.bytes();
  }

  @Override
  public void close() {
    scratch.close();
  }
}
