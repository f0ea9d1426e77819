package org.retention4j.nn;

import java.util.SplittableRandom;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;

/**
 * Where the weights of a part of a model come from: a checkpoint, arrays, a seed.
 *
 * @since 0.1
 */
public interface WeightSource {
  /** Returns the engine that matrices are packed for. */
  Engine engine();

  /** Returns a matrix, packed; it becomes the caller's to close. */
  PackedMatrix matrix(WeightSpec weight);

  /** Returns a vector; it becomes the caller's. */
  double[] vector(WeightSpec weight);

  /**
   * Returns a source of seeded random weights, see {@link Init}; each weight asked for advances it.
   *
   * @param type of the matrices
   */
  static WeightSource random(Engine engine, WeightType type, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return new WeightSource() {
      @Override
      public Engine engine() {
        return engine;
      }

      @Override
      public PackedMatrix matrix(WeightSpec weight) {
        int outputs = Math.toIntExact(weight.rows());
        int inputs = Math.toIntExact(weight.columns());
        return engine.pack(Init.uniform(random, outputs, inputs), type);
      }

      @Override
      public double[] vector(WeightSpec weight) {
        int length = Math.toIntExact(weight.rows());
        return weight.kind() == WeightSpec.Kind.NORM
            ? Init.norm(random, length)
            : Init.bias(random, length);
      }
    };
  }
}
