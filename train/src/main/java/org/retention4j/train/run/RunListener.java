package org.retention4j.train.run;

import java.nio.file.Path;
import org.retention4j.train.StepResult;

/**
 * Is told how a run goes, by the thread that runs it. What it does changes nothing in it.
 *
 * @since 0.1
 */
public interface RunListener {
  /** Hears nothing. */
  RunListener SILENT = new RunListener() {};

  /**
   * A run begins, or goes on.
   *
   * @param plan what will be done
   * @param step steps so far
   */
  default void began(RunPlan plan, long step) {}

  /**
   * A step was taken.
   *
   * @param bitsPerByte its loss in bits for each byte of text
   * @param seconds of this step alone
   * @param done the share of the run that is done, 0…1
   */
  default void stepped(StepResult result, double bitsPerByte, double seconds, double done) {}

  /**
   * The held-out text was looked at.
   *
   * @param loss mean cross-entropy of its tokens in nats
   * @param bitsPerByte the same in bits for each byte of text
   */
  default void evaluated(long step, double loss, double bitsPerByte) {}

  /** The model wrote a text. */
  default void sampled(long step, String prompt, String text) {}

  /** A checkpoint was written. */
  default void saved(long step, Path folder) {}
}
