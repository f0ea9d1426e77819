package org.retention4j.checkpoint;

/**
 * How a checkpoint is loaded.
 *
 * @param weights the type of the matrices in memory
 * @param checkFinite whether to refuse NaN and infinite weights, which reads nothing twice but
 *     costs some time
 * @param ignoreUnknown whether a configuration is read although it has unknown keys whose names say
 *     that they may change the mathematics; looked at where a folder is opened
 * @param progress is told of every tensor
 * @since 0.1
 */
public record LoadOptions(
    WeightChoice weights, boolean checkFinite, boolean ignoreUnknown, Progress progress) {
  /** Weights as in the file, not looked at, no doubtful key ignored, in silence. */
  public static final LoadOptions DEFAULT =
      new LoadOptions(WeightChoice.FILE, false, false, (name, bytes) -> {});

  /** Checks that nothing is missing. */
  public LoadOptions {
    if (weights == null || progress == null) {
      throw new IllegalArgumentException(
          "expected a choice of weights and a listener, got " + weights + " and " + progress);
    }
  }

  /** Returns the same with other weights. */
  public LoadOptions withWeights(WeightChoice choice) {
    return new LoadOptions(choice, checkFinite, ignoreUnknown, progress);
  }

  /** Returns the same with a look at every weight, or without. */
  public LoadOptions withCheckFinite(boolean value) {
    return new LoadOptions(weights, value, ignoreUnknown, progress);
  }

  /** Returns the same, but doubtful keys of a configuration are ignored, or are not. */
  public LoadOptions withIgnoreUnknown(boolean value) {
    return new LoadOptions(weights, checkFinite, value, progress);
  }

  /** Returns the same with another listener. */
  public LoadOptions withProgress(Progress listener) {
    return new LoadOptions(weights, checkFinite, ignoreUnknown, listener);
  }

  /** Listens to loading. */
  @FunctionalInterface
  public interface Progress {
    /** Takes note of a tensor that is in memory now. */
    void loaded(String tensor, long bytes);
  }
}
