package org.retention4j.train.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.retention4j.engine.HeldMemory;
import org.retention4j.model.DecoderConfig;

/**
 * Says that a run will not fit into memory before anything is allocated, and what would.
 *
 * @since 0.1
 */
public final class RunMemory {
  private static final double MEGA = 1e6;

  private RunMemory() {}

  /**
   * Refuses a run that needs more memory than there is.
   *
   * @param lanes of the engine, at least 1
   * @throws IllegalArgumentException if it does
   */
  public static void require(DecoderConfig config, RunOptions options, int lanes) {
    require(config, options, lanes, HeldMemory.freeBytes());
  }

  static void require(DecoderConfig config, RunOptions options, int lanes, long free) {
    double needed = RunPlan.of(config, options, lanes).peakBytes();
    if (needed <= free) {
      return;
    }
    BatchShape batch = options.batch();
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "expected %.1f MB of memory for batches of %d rows of %d tokens%s, got %.1f MB; %s",
            needed / MEGA,
            batch.rows(),
            batch.length(),
            options.trainer().checkpointing() ? " with checkpointing" : "",
            free / MEGA,
            instead(config, options, lanes, free)));
  }

  /** Returns what would fit. */
  private static String instead(DecoderConfig config, RunOptions options, int lanes, long free) {
    List<String> fitting = new ArrayList<>();
    for (boolean checkpointing : new boolean[] {false, true}) {
      int rows = 0;
      if (checkpointing || !options.trainer().checkpointing()) {
        rows = mostRows(config, options, checkpointing, lanes, free);
      }
      if (rows > 0) {
        fitting.add("--batch " + rows + and(checkpointing, options));
      }
    }
    return fitting.isEmpty()
        ? "not even one row would fit: a shorter --length, a smaller model, or a larger -Xmx, which"
            + " limits native memory too"
        : "what would fit: " + String.join(", or ", fitting);
  }

  private static String and(boolean checkpointing, RunOptions options) {
    return checkpointing && !options.trainer().checkpointing() ? " with --checkpointing" : "";
  }

  /** Returns the most rows of a batch that fit, at most as many as were asked for; 0 for none. */
  private static int mostRows(
      DecoderConfig config, RunOptions options, boolean checkpointing, int lanes, long free) {
    int fits = 0;
    int tooMany = options.batch().rows() + 1;
    while (fits + 1 < tooMany) {
      int rows = fits + (tooMany - fits) / 2;
      RunOptions other = with(options, rows, checkpointing);
      if (RunPlan.of(config, other, lanes).peakBytes() <= free) {
        fits = rows;
      } else {
        tooMany = rows;
      }
    }
    return fits;
  }

  private static RunOptions with(RunOptions options, int rows, boolean checkpointing) {
    BatchShape batch = options.batch();
    return options.with(
        new BatchShape(rows, batch.length(), batch.freshShare(), batch.packed()),
        options.trainer().withCheckpointing(checkpointing));
  }
}
