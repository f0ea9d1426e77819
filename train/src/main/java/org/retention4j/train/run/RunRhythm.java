package org.retention4j.train.run;

import java.util.Locale;

/**
 * What is done every so many steps. None of it changes what is learnt.
 *
 * @param logEvery steps from one line of train.jsonl to the next, at least 1
 * @param evaluateEvery steps from one look at the held-out text to the next, at least 1
 * @param evaluateTokens the most held-out tokens of a look, at least 1, all over the text
 * @param saveEvery steps from one checkpoint to the next, at least 1
 * @param keep how many of the last checkpoints stay, at least 1, beside the best
 * @param sampleTokens how long the text is that the model writes at each look, 0 for none
 * @since 0.1
 */
public record RunRhythm(
    long logEvery,
    long evaluateEvery,
    long evaluateTokens,
    long saveEvery,
    int keep,
    int sampleTokens) {
  /** A line for each step, a look and a checkpoint every 250, two of which stay. */
  public static final RunRhythm DEFAULT = new RunRhythm(1, 250, 16_384, 250, 2, 80);

  /** Checks the ranges. */
  public RunRhythm {
    requireOne("step from line to line", logEvery);
    requireOne("step from look to look", evaluateEvery);
    requireOne("held-out token", evaluateTokens);
    requireOne("step from checkpoint to checkpoint", saveEvery);
    requireOne("checkpoint to keep", keep);
    if (sampleTokens < 0) {
      throw new IllegalArgumentException(
          "expected a sample of at least 0 tokens, got " + sampleTokens);
    }
  }

  private static void requireOne(String what, long got) {
    if (got < 1) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected at least 1 %s, got %d", what, got));
    }
  }

  /** Returns the same with other distances between looks and between checkpoints. */
  public RunRhythm withEvery(long looks, long checkpoints) {
    return new RunRhythm(logEvery, looks, evaluateTokens, checkpoints, keep, sampleTokens);
  }

  /** Returns the same with so many checkpoints kept. */
  public RunRhythm withKeep(int count) {
    return new RunRhythm(logEvery, evaluateEvery, evaluateTokens, saveEvery, count, sampleTokens);
  }

  /** Returns the same with samples of another length. */
  public RunRhythm withSampleTokens(int count) {
    return new RunRhythm(logEvery, evaluateEvery, evaluateTokens, saveEvery, keep, count);
  }
}
