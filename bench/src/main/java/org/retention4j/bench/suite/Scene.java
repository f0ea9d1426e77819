package org.retention4j.bench.suite;

import org.retention4j.bench.measure.Deadline;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.report.Results;
import org.retention4j.engine.Engine;

/**
 * What every suite needs.
 *
 * @param models layers and engine
 * @param text tokens
 * @param table embedding (256, D)
 * @param effort how much to measure
 * @param seed of every random number
 * @param results where rows go
 * @param deadline when to be done
 */
public record Scene(
    Models models,
    SampleText text,
    float[][] table,
    Effort effort,
    long seed,
    Results results,
    Deadline deadline) {
  /** Returns the shape of the layers. */
  public LayerShape shape() {
    return models.shape();
  }

  /** Returns the engine. */
  public Engine engine() {
    return models.engine();
  }
}
