package org.retention4j.bench.training;

import java.util.List;

/**
 * How much is measured of training.
 *
 * @param lengths T of rows, ascending
 * @param rounds timed steps of each mixer, where they do not take long
 * @param roundSeconds seconds that the timed steps of a length may take, unless one round takes
 *     more
 * @param warmUpSeconds at most, for each shape
 * @param seconds that the whole run may take: what would not be done in time is skipped
 */
public record TrainingEffort(
    List<Integer> lengths, int rounds, double roundSeconds, double warmUpSeconds, double seconds) {
  /** Six minutes. */
  public static final TrainingEffort FULL =
      new TrainingEffort(List.of(512, 1024, 2048, 4096, 8192, 16384), 7, 25, 10, 350);

  /** Two minutes. */
  public static final TrainingEffort QUICK =
      new TrainingEffort(List.of(512, 1024, 2048), 3, 12, 5, 115);

  /** Checks the lengths. */
  public TrainingEffort {
    lengths = lengths.stream().sorted().distinct().toList();
  }

  /**
   * Returns this with other lengths of rows.
   *
   * @throws IllegalArgumentException if there is none or one is not positive
   */
  public TrainingEffort withLengths(List<Integer> other) {
    if (other.isEmpty() || other.stream().anyMatch(t -> t < 1)) {
      throw new IllegalArgumentException("expected --lengths of tokens >= 1, got " + other);
    }
    return new TrainingEffort(other, rounds, roundSeconds, warmUpSeconds, seconds);
  }

  /**
   * Returns this within another time.
   *
   * @throws IllegalArgumentException unless it is positive and finite
   */
  public TrainingEffort withMinutes(double minutes) {
    if (!(minutes > 0) || Double.isInfinite(minutes)) {
      throw new IllegalArgumentException("expected --minutes > 0, got " + minutes);
    }
    return new TrainingEffort(lengths, rounds, roundSeconds, warmUpSeconds, 60 * minutes);
  }
}
