package org.retention4j.bench.training;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.run.BatchShape;
import org.retention4j.train.run.RateCurve;
import org.retention4j.train.run.RunFiles;
import org.retention4j.train.run.RunLimit;
import org.retention4j.train.run.RunOptions;
import org.retention4j.train.run.RunPlan;
import org.retention4j.train.run.RunRhythm;

/**
 * What the shapes alone say of a step of training: floating-point operations, a multiply-add
 * counted as two, and bytes. Operations are those that a mixer's way of computing takes, forwards
 * and back, with what it computes twice: not the same work for all of them.
 */
final class TrainingFormulas {
  /** Tokens of a chunk. */
  static final int CHUNK = 64;

  private TrainingFormulas() {}

  /**
   * Returns the operations of all products with weights for a token: 6 for each weight, one product
   * forwards and two back. An embedding is looked up, not multiplied.
   */
  static double productFlops(TrainingShape shape, Mixing mixing) {
    return 6.0 * matrices(shape, mixing).stream().mapToLong(WeightSpec::elements).sum();
  }

  /** Returns all matrices that are multiplied with, those of the layers and the output. */
  static List<WeightSpec> matrices(TrainingShape shape, Mixing mixing) {
    DecoderConfig config = shape.config(mixing);
    List<WeightSpec> all = new ArrayList<>();
    for (LayerConfig layer : config.layers()) {
      all.addAll(layer.mixer().weights());
      all.addAll(layer.feedForward().weights());
    }
    all.removeIf(weight -> !weight.isMatrix());
    all.add(WeightSpec.matrix("output", config.vocabulary(), shape.modelWidth()));
    return all;
  }

  /**
   * Returns the operations of the mixer's core for a token of a row of T.
   *
   * <ul>
   *   <li>materialised, the whole square: 4TD forwards, 8TD back
   *   <li>tiled, below the diagonal: 2TD forwards, 4TD back, and TD for scores computed again
   *   <li>parallel, below the diagonal: T(K+V) forwards and T(3K+2V) back, a head
   *   <li>chunkwise: 2C(K+V) + 4KV forwards and C(6K+4V) + 10KV back, a head
   * </ul>
   */
  static double coreFlops(TrainingShape shape, Mixing mixing, int tokens) {
    double t = tokens;
    double d = shape.modelWidth();
    double k = shape.keyWidth();
    double v = shape.valueWidth();
    double layer =
        switch (mixing) {
          case MATERIALISED -> 12 * t * d;
          case TILED -> 7 * t * d;
          case PARALLEL -> shape.heads() * t * (4 * k + 3 * v);
          case CHUNKWISE ->
              shape.heads()
                  * (2 * CHUNK * (k + v) + 4 * k * v + CHUNK * (6 * k + 4 * v) + 10 * k * v);
        };
    return shape.layers() * layer;
  }

  /** Returns the operations of a step over rows of T. */
  static double stepFlops(TrainingShape shape, Mixing mixing, int tokens) {
    double each = productFlops(shape, mixing) + coreFlops(shape, mixing, tokens);
    return (double) shape.rows(tokens) * tokens * each;
  }

  /** Returns how they were counted. */
  static String flopsFormula(Mixing mixing) {
    return "B·T·(6·weights + L·"
        + switch (mixing) {
          case MATERIALISED -> "12·T·D";
          case TILED -> "7·T·D";
          case PARALLEL -> "H·T·(4K+3V)";
          case CHUNKWISE -> "H·(2C(K+V) + 4KV + C(6K+4V) + 10KV)";
        }
        + ")";
  }

  /** Returns the bytes of weights, gradients and two moments. */
  static double weightBytes(TrainingShape shape, Mixing mixing) {
    return 4.0 * Float.BYTES * shape.config(mixing).parameters();
  }

  /**
   * Returns the bytes of a trainer at the peak of a step, by the plan of training; materialised
   * attention holds B·H·T² probabilities a layer more than tiled attention, and as many gradients
   * of them once.
   *
   * @param lanes of the engine
   */
  static double stepBytes(TrainingShape shape, Mixing mixing, int tokens, int lanes) {
    if (mixing == Mixing.MATERIALISED) {
      double squares = (double) shape.rows(tokens) * shape.attentionHeads() * tokens * tokens;
      return stepBytes(shape, Mixing.TILED, tokens, lanes)
          + Float.BYTES * (shape.layers() + 1) * squares;
    }
    RunOptions options =
        new RunOptions(
            RunFiles.of(Path.of("data"), Path.of("out")),
            BatchShape.streams(shape.rows(tokens), tokens),
            TrainerOptions.DEFAULT.withForm(mixing.form()),
            RateCurve.DEFAULT,
            RunLimit.steps(1),
            RunRhythm.DEFAULT,
            0);
    return RunPlan.of(shape.config(mixing), options, lanes).bytes();
  }

  /** Returns how they were counted. */
  static String bytesFormula(Mixing mixing) {
    String plan = "16·parameters + tiles of B·T rows, as train --dry-run";
    return mixing == Mixing.MATERIALISED ? plan + " + 4·(L+1)·B·H·T²" : plan;
  }

  /**
   * Returns the numbers that the way back reads, for a token and layer, at the least: x, q, k, v,
   * g, o, y, gate and up; attention has no g, materialised attention a row of probabilities a head.
   */
  static double keptNumbers(TrainingShape shape, Mixing mixing, int tokens) {
    double d = shape.modelWidth();
    if (!mixing.attends()) {
      return 4 * d + 3.0 * shape.heads() * shape.valueWidth() + 2.0 * shape.feedForward();
    }
    double tiled = 6 * d + 2.0 * shape.attentionFeedForward();
    return mixing == Mixing.TILED ? tiled : tiled + (double) shape.attentionHeads() * tokens;
  }
}
