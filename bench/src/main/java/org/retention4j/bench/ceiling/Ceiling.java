package org.retention4j.bench.ceiling;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;

/**
 * The best of several ways to do a bare piece of work, on one and on all threads.
 *
 * @param name what was measured
 * @param tried every way, with its figure
 * @param unit GFLOP/s or GB/s
 */
public record Ceiling(String name, List<Way> tried, String unit) {
  /**
   * One way.
   *
   * @param work opens the work again
   * @param name how
   * @param threads how many worked
   * @param value in the ceiling's unit, from the median time
   * @param samples times
   */
  public record Way(
      Supplier<BareWork> work, String name, int threads, double value, Samples samples) {}

  /** Copies. */
  public Ceiling {
    tried = List.copyOf(tried);
  }

  /**
   * Measures every way.
   *
   * @param threads what "all" means
   */
  public static Ceiling measure(
      String name, String unit, List<Supplier<BareWork>> works, int threads, Sampler.Plan plan) {
    List<Way> ways = new ArrayList<>();
    for (Supplier<BareWork> open : works) {
      try (BareWork work = open.get()) {
        List<Contender> contenders = new ArrayList<>();
        List<Integer> counts = new ArrayList<>();
        if (threads > 1) {
          contenders.add(new Contender(work.name(), () -> work.run(true)));
          counts.add(threads);
        }
        if (threads == 1 || work.worksAlone()) {
          contenders.add(new Contender(work.name(), () -> work.run(false)));
          counts.add(1);
        }
        List<Samples> samples = Sampler.measure(contenders, plan);
        for (int i = 0; i < samples.size(); i++) {
          double rate = work.amount() / samples.get(i).median();
          ways.add(new Way(open, work.name(), counts.get(i), rate, samples.get(i)));
        }
      }
    }
    return new Ceiling(name, ways, unit);
  }

  /** Returns the fastest way. */
  public Way best() {
    return tried.stream().max(Comparator.comparingDouble(Way::value)).orElseThrow();
  }

  /** Returns the figure of the fastest way. */
  public double value() {
    return best().value();
  }
}
