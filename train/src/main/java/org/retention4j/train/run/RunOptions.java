package org.retention4j.train.run;

import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.train.TrainerOptions;

/**
 * All that is asked of a run.
 *
 * @param files what it reads and where it writes
 * @param batch what a batch is
 * @param trainer how each step is taken; its schedule is made from the curve
 * @param curve of the learning rate
 * @param limit when it ends
 * @param rhythm what is done every so many steps
 * @param seed of new weights and of the order of the text
 * @since 0.1
 */
public record RunOptions(
    RunFiles files,
    BatchShape batch,
    TrainerOptions trainer,
    RateCurve curve,
    RunLimit limit,
    RunRhythm rhythm,
    long seed) {
  /** Checks that nothing is missing, and that a cosine knows where it ends. */
  public RunOptions {
    Args.present("files", files);
    Args.present("the shape of batches", batch);
    Args.present("options of the trainer", trainer);
    Args.present("a curve of the rate", curve);
    Args.present("a limit", limit);
    Args.present("a rhythm", rhythm);
    if (curve.kind() == RateCurve.Kind.COSINE && limit.mostSteps(1).isEmpty()) {
      throw new IllegalArgumentException(
          "expected a limit of steps or tokens for a rate along a cosine, got one of time alone");
    }
  }

  /**
   * Returns the rate that a width wants, 3e-3·√(128/D).
   *
   * @param modelWidth D, at least 1
   */
  public static double rateFor(int modelWidth) {
    return 3e-3 * Math.sqrt(128.0 / modelWidth);
  }

  /**
   * Returns these as an engine does them: where it does not multiply bf16, products are of fp32.
   */
  public RunOptions on(Engine engine) {
    return with(
        batch, trainer.withBf16Products(trainer.bf16Products() && engine.multipliesBfloat16()));
  }

  /** Returns these with other batches and another trainer. */
  RunOptions with(BatchShape otherBatch, TrainerOptions otherTrainer) {
    return new RunOptions(files, otherBatch, otherTrainer, curve, limit, rhythm, seed);
  }

  /** Returns how many tokens a step takes. */
  long tokensPerStep() {
    return (long) batch.rows() * batch.length() * trainer.microBatches();
  }
}
