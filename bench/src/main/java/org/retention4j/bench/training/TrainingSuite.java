package org.retention4j.bench.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.retention4j.bench.measure.AllocationMeter;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Deadline;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.Row;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.train.StepResult;

/**
 * Steps of training of the four mixers, by turns with the bare products of their shapes, by the
 * length of rows; and what a step holds and allocates.
 */
public final class TrainingSuite {
  /** The worst tensor's bound of whole models in fp32: loss and gradient norm are better. */
  private static final double BOUND = 5e-5;

  /** Operations a second before anything is known: slow. */
  private static final double GUESS = 4e10;

  /** Longer rows may be slower than shorter ones, operation by operation. */
  private static final double DOUBT = 1.3;

  /** Seconds to make weights, for each parameter. */
  private static final double MAKING = 6e-8;

  /** A step of short rows has classes loaded, and a heap, before memory is looked at. */
  private static final int FIRST = 64;

  private static final int SHORT = 512;
  private static final int MIDDLE = 2048;
  private static final int LONG = 8192;
  private static final int ALLOCATION_ROUNDS = 4;
  private static final int ALLOCATION_STEPS = 2;
  private static final double MEGA = 1e6;
  private static final double GIGA = 1e9;

  private final List<TrainingShape> shapes;
  private final TrainingEffort effort;
  private final SampleText text;
  private final int threads;
  private final long seed;
  private final Results results;
  private final Deadline deadline;
  private final List<TrainingShape> warm = new ArrayList<>();

  /**
   * Prepares.
   *
   * @param shapes the first is that of what is allocated and of memory by length
   * @param threads of every engine
   * @param results where rows go
   */
  public TrainingSuite(
      List<TrainingShape> shapes,
      TrainingEffort effort,
      SampleText text,
      int threads,
      long seed,
      Results results) {
    this.shapes = List.copyOf(shapes);
    this.effort = effort;
    this.text = text;
    this.threads = threads;
    this.seed = seed;
    this.results = results;
    deadline = new Deadline(effort.seconds());
  }

  /**
   * Measures all shapes, length by length, until the time is up or two mixers that must be equal
   * are not.
   *
   * @param progress hears what comes next
   */
  public void run(Consumer<String> progress) {
    progress.accept("loading what all steps use");
    held(shapes.get(0), Mixing.CHUNKWISE, FIRST);
    progress.accept("memory by length");
    memory(MIDDLE);
    memory(LONG);
    for (int tokens : effort.lengths()) {
      for (TrainingShape shape : shapes) {
        progress.accept(shape.name() + ", rows of " + tokens + " tokens");
        scene(shape, tokens);
        if (!results.equal()) {
          return;
        }
      }
    }
  }

  private void scene(TrainingShape shape, int tokens) {
    List<StepContender> bound = new ArrayList<>();
    try {
      for (Mixing mixing : Mixing.values()) {
        String obstacle = obstacle(shape, mixing, tokens, bound);
        if (obstacle == null) {
          bound.add(new StepContender(shape, mixing, tokens, threads, text, seed));
        } else {
          skip(shape, mixing, tokens, obstacle);
        }
      }
      if (!bound.isEmpty() && equal(shape, tokens, bound)) {
        time(shape, tokens, bound);
      }
    } finally {
      bound.forEach(StepContender::close);
    }
  }

  /** Returns why a mixer cannot be measured, or null. */
  private String obstacle(
      TrainingShape shape, Mixing mixing, int tokens, List<StepContender> bound) {
    double bytes =
        TrainingFormulas.stepBytes(shape, mixing, tokens, threads)
            + TrainingFormulas.weightBytes(shape, mixing) / 4;
    double free = HeldMemory.freeBytes();
    if (bytes > free) {
      return String.format(
          Locale.ROOT,
          "skipped: needs %.1f GB, %.1f GB are left; java -Xmx limits native memory too",
          bytes / GIGA,
          free / GIGA);
    }
    // Weights, a first step, and a timed one of all.
    double seconds =
        MAKING * shape.config(mixing).parameters() + 2 * seconds(shape, mixing, tokens);
    double left = deadline.remaining();
    double others = bound.stream().mapToDouble(StepContender::firstSeconds).sum();
    if (seconds + others > left) {
      return String.format(
          Locale.ROOT,
          "skipped: would take about %.0f s, %.0f s are left; see --minutes",
          seconds + others,
          Math.max(0, left));
    }
    return null;
  }

  /** Returns what a step may take, by the fastest known of its kind. */
  private double seconds(TrainingShape shape, Mixing mixing, int tokens) {
    double rate =
        last(shape, mixing)
            .or(() -> last(shape, Mixing.CHUNKWISE))
            .map(row -> row.cost().gflops() * GIGA)
            .orElse(GUESS);
    return DOUBT * TrainingFormulas.stepFlops(shape, mixing, tokens) / rate;
  }

  private Optional<Row> last(TrainingShape shape, Mixing mixing) {
    return results.rows(Kind.TRAINING, shape.name(), mixing.word()).stream()
        .reduce((before, after) -> after);
  }

  private void skip(TrainingShape shape, Mixing mixing, int tokens, String why) {
    Workload workload = StepContender.workload(shape, mixing, tokens, null);
    Cost.Builder cost =
        Cost.builder()
            .bytes(
                TrainingFormulas.stepBytes(shape, mixing, tokens, threads),
                TrainingFormulas.bytesFormula(mixing));
    results.add(Kind.SKIPPED, shape.name(), why, workload, Timing.NONE, cost, why);
  }

  /** Holds the first steps of mixers to each other that compute the same in different ways. */
  private boolean equal(TrainingShape shape, int tokens, List<StepContender> bound) {
    hold(shape, tokens, find(bound, Mixing.PARALLEL), find(bound, Mixing.CHUNKWISE));
    hold(shape, tokens, find(bound, Mixing.MATERIALISED), find(bound, Mixing.TILED));
    return results.equal();
  }

  private static Optional<StepContender> find(List<StepContender> bound, Mixing mixing) {
    return bound.stream().filter(contender -> contender.mixing() == mixing).findFirst();
  }

  private void hold(
      TrainingShape shape, int tokens, Optional<StepContender> one, Optional<StepContender> to) {
    if (one.isEmpty() || to.isEmpty()) {
      return;
    }
    StepResult own = one.get().first();
    StepResult other = to.get().first();
    double error =
        Math.max(
            Math.abs(own.loss() / other.loss() - 1),
            Math.abs(own.gradientNorm() / other.gradientNorm() - 1));
    results.add(
        Kind.EQUIVALENCE,
        shape.name(),
        "loss and gradient norm, against " + to.get().mixing().word() + ", T " + tokens,
        one.get().workload(),
        Timing.NONE,
        Cost.builder().error(error, BOUND),
        null);
  }

  private void time(TrainingShape shape, int tokens, List<StepContender> bound) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best());
        StepProducts products =
            new StepProducts(
                engine,
                TrainingFormulas.matrices(shape, Mixing.CHUNKWISE),
                shape.rows(tokens) * tokens)) {
      List<Contender> contenders = new ArrayList<>();
      bound.forEach(contender -> contenders.add(contender.timed()));
      contenders.add(products.timed());
      List<Samples> samples = Sampler.measure(contenders, plan(shape, bound));
      double ceiling = products.flops() / samples.get(bound.size()).median();
      for (int i = 0; i < bound.size(); i++) {
        report(shape, tokens, bound.get(i), samples.get(i), ceiling);
      }
      results.add(
          Kind.CEILING,
          shape.name(),
          "bare products of a step, T " + tokens,
          Workload.NONE,
          Timing.of(samples.get(bound.size()), 0),
          Cost.builder().value(ceiling, "GFLOP/s"),
          "by turns with the steps");
      if (shape.equals(shapes.get(0)) && tokens == SHORT) {
        find(bound, Mixing.CHUNKWISE).ifPresent(this::allocation);
      }
    }
  }

  private Sampler.Plan plan(TrainingShape shape, List<StepContender> bound) {
    double warmUp = warm.contains(shape) ? 0 : effort.warmUpSeconds();
    warm.add(shape);
    double round = bound.stream().mapToDouble(StepContender::firstSeconds).sum();
    double seconds = Math.min(effort.roundSeconds(), deadline.remaining() - warmUp);
    int rounds = (int) Math.max(1, Math.min(effort.rounds(), Math.floor(seconds / round)));
    return new Sampler.Plan(warmUp, rounds, 1);
  }

  private void report(
      TrainingShape shape, int tokens, StepContender contender, Samples samples, double ceiling) {
    Mixing mixing = contender.mixing();
    Cost.Builder cost =
        Cost.builder()
            .flops(
                TrainingFormulas.stepFlops(shape, mixing, tokens),
                TrainingFormulas.flopsFormula(mixing))
            .bytes(
                TrainingFormulas.stepBytes(shape, mixing, tokens, threads),
                TrainingFormulas.bytesFormula(mixing))
            .allocated(contender.heldBytes())
            .value(contender.residentBytes() / MEGA, "MB resident")
            .ceiling(ceiling, "bare products of the same shapes, by turns with the steps");
    double all = (double) shape.rows(tokens) * tokens;
    results.add(
        Kind.TRAINING,
        shape.name(),
        "step",
        contender.workload(),
        Timing.of(samples, all),
        cost,
        text.coverage((int) all));
  }

  /** Counts what steps allocate on the heap, the least of some rounds: compilers come to an end. */
  private void allocation(StepContender contender) {
    AllocationMeter meter = new AllocationMeter();
    double least = Double.POSITIVE_INFINITY;
    for (int round = 0; round < ALLOCATION_ROUNDS; round++) {
      meter.start();
      for (int i = 0; i < ALLOCATION_STEPS; i++) {
        contender.step();
      }
      least = Math.min(least, (double) meter.stop().heap() / ALLOCATION_STEPS);
    }
    results.add(
        Kind.ALLOCATION,
        shapes.get(0).name(),
        "heap bytes allocated by a step",
        contender.workload(),
        Timing.NONE,
        Cost.builder().value(least, "B"),
        "all threads; the least of " + ALLOCATION_ROUNDS + " rounds");
  }

  /**
   * Says what a token of a length takes beside the weights, of the first shape's chunkwise step.
   */
  private void memory(int tokens) {
    TrainingShape shape = shapes.get(0);
    Mixing mixing = Mixing.CHUNKWISE;
    String obstacle = obstacle(shape, mixing, tokens, List.of());
    if (obstacle != null) {
      skip(shape, mixing, tokens, obstacle);
      return;
    }
    double held = held(shape, mixing, tokens);
    double all = (double) shape.rows(tokens) * tokens;
    double each = (held - TrainingFormulas.weightBytes(shape, mixing)) / all;
    results.add(
        Kind.PEAK,
        shape.name(),
        "held bytes of a token in a step, without weights, gradients and moments",
        StepContender.workload(shape, mixing, tokens, null),
        Timing.NONE,
        Cost.builder().allocated(held).value(each, "B a token"),
        null);
  }

  private double held(TrainingShape shape, Mixing mixing, int tokens) {
    try (StepContender contender = new StepContender(shape, mixing, tokens, threads, text, seed)) {
      return contender.heldBytes();
    }
  }
}
