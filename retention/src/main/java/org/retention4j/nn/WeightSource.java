package org.retention4j.nn;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.retention4j.args.Args;
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

  /** Returns this source for a part of what it has: names are looked up behind a prefix. */
  default WeightSource part(String prefix) {
    WeightSource whole = this;
    return new WeightSource() {
      @Override
      public Engine engine() {
        return whole.engine();
      }

      @Override
      public PackedMatrix matrix(WeightSpec weight) {
        return whole.matrix(weight.within(prefix));
      }

      @Override
      public double[] vector(WeightSpec weight) {
        return whole.vector(weight.within(prefix));
      }
    };
  }

  /**
   * Returns a source of numbers by name.
   *
   * @param type of the matrices
   * @param numbers gives what is asked for in row-major order, (out,in) of a matrix, or null where
   *     there is no such weight
   * @throws IllegalArgumentException when a weight is asked for that is missing or of another size
   */
  static WeightSource of(Engine engine, WeightType type, Function<WeightSpec, double[]> numbers) {
    Args.present("engine", engine);
    Args.present("type", type);
    Args.present("numbers", numbers);
    return new WeightSource() {
      @Override
      public Engine engine() {
        return engine;
      }

      @Override
      public PackedMatrix matrix(WeightSpec weight) {
        return engine.pack(
            new NumberMatrix(
                vector(weight), (int) weight.rows(), Math.toIntExact(weight.columns())),
            type);
      }

      @Override
      public double[] vector(WeightSpec weight) {
        double[] all = numbers.apply(weight);
        if (all == null || all.length != weight.elements()) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "expected %d numbers of %s (%s), got %s",
                  weight.elements(),
                  weight.name(),
                  weight.isMatrix()
                      ? weight.rows() + " x " + weight.columns()
                      : "a vector of " + weight.rows(),
                  all == null ? "none" : all.length));
        }
        return all.clone();
      }
    };
  }

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
