package org.retention4j.bench.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Times contenders against one another in rounds, forwards and backwards by turns (A B B A), so
 * that a drift of the machine meets all alike.
 */
public final class Sampler {
  private static final int WINDOW = 5;
  private static final long LONG_NANOS = 100_000_000;
  private static final long SHORT_NANOS = 2_500_000_000L;
  private static final double SETTLED = 0.05;
  private static final double NANOS = 1e9;

  private Sampler() {}

  /**
   * How much to measure.
   *
   * @param warmUpSeconds at most, for all contenders together; 0 when earlier runs warmed them
   * @param rounds samples of each contender
   * @param group runs in a row that make one sample
   */
  public record Plan(double warmUpSeconds, int rounds, int group) {}

  /**
   * Returns the times of each contender, in their order. Where they were still changing while they
   * were taken, and taking them did not take long, they are taken once more.
   */
  public static List<Samples> measure(List<Contender> contenders, Plan plan) {
    System.gc();
    warmUp(contenders, plan.warmUpSeconds());
    long start = System.nanoTime();
    List<Samples> samples = rounds(contenders, plan);
    boolean again = System.nanoTime() - start < SHORT_NANOS;
    if (again && !samples.stream().allMatch(Samples::settled)) {
      samples = rounds(contenders, plan);
    }
    return samples;
  }

  private static List<Samples> rounds(List<Contender> contenders, Plan plan) {
    long[][] times = new long[contenders.size()][plan.rounds() * plan.group()];
    long[] collections = new long[contenders.size()];
    MachineLoad.Watch watch = MachineLoad.watch();
    for (int round = 0; round < plan.rounds(); round++) {
      for (int i = 0; i < contenders.size(); i++) {
        int at = round % 2 == 0 ? i : contenders.size() - 1 - i;
        for (int run = 0; run < plan.group(); run++) {
          long before = GarbageCollections.count();
          times[at][round * plan.group() + run] = time(contenders.get(at));
          collections[at] += GarbageCollections.count() - before;
        }
      }
    }
    MachineLoad load = watch.stop();
    List<Samples> samples = new ArrayList<>();
    for (int i = 0; i < times.length; i++) {
      samples.add(new Samples(times[i], plan.group(), collections[i], load));
    }
    return samples;
  }

  /** Returns the times of one contender. */
  public static Samples measure(Contender contender, Plan plan) {
    return measure(List.of(contender), plan).get(0);
  }

  /** Runs rounds until every contender's median stands still, for half the time at least. */
  private static void warmUp(List<Contender> contenders, double seconds) {
    if (seconds <= 0) {
      return;
    }
    long start = System.nanoTime();
    List<List<Long>> times = new ArrayList<>();
    contenders.forEach(c -> times.add(new ArrayList<>()));
    double elapsed;
    boolean enough;
    do {
      for (int i = 0; i < contenders.size(); i++) {
        times.get(i).add(time(contenders.get(i)));
      }
      elapsed = (System.nanoTime() - start) / NANOS;
      enough = elapsed > seconds / 2 && times.stream().allMatch(Sampler::settled);
    } while (!enough && elapsed < seconds);
  }

  /** Compares the medians of the last two windows; of long runs, the last two runs. */
  private static boolean settled(List<Long> times) {
    int n = times.size();
    int window = times.get(n - 1) > LONG_NANOS ? 1 : WINDOW;
    if (n < 2 * window) {
      return false;
    }
    double last = medianOf(times.subList(n - window, n));
    double before = medianOf(times.subList(n - 2 * window, n - window));
    return Math.abs(last - before) <= SETTLED * before;
  }

  private static double medianOf(List<Long> times) {
    long[] values = times.stream().mapToLong(Long::longValue).toArray();
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private static long time(Contender contender) {
    contender.prepare().run();
    long start = System.nanoTime();
    contender.run().run();
    return System.nanoTime() - start;
  }
}
