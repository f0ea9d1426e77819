package org.retention4j.nn;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.engine.ops.PackedMatrix;

/**
 * The weights of a part of a model by name, of the shapes that it asked for.
 *
 * @since 0.1
 */
public final class NamedWeights implements AutoCloseable {
  private final Map<String, PackedMatrix> matrices = new HashMap<>();
  private final Map<String, double[]> vectors = new HashMap<>();

  private NamedWeights() {}

  /**
   * Takes weights in the order in which they are asked for; if one does not fit, those taken before
   * it are freed.
   *
   * @throws IllegalArgumentException if a weight is missing or of another shape, naming it
   */
  public static NamedWeights take(List<WeightSpec> asked, WeightSource source) {
    NamedWeights taken = new NamedWeights();
    boolean whole = false;
    try {
      for (WeightSpec weight : asked) {
        if (weight.isMatrix()) {
          PackedMatrix matrix = source.matrix(weight);
          taken.matrices.put(weight.name(), matrix);
          weight.check(matrix);
        } else {
          taken.vectors.put(weight.name(), weight.check(source.vector(weight)));
        }
      }
      whole = true;
      return taken;
    } finally {
      if (!whole) {
        taken.close();
      }
    }
  }

  /** Returns whether a weight of this name was asked for. */
  public boolean has(String name) {
    return matrices.containsKey(name) || vectors.containsKey(name);
  }

  /**
   * Returns a matrix, which stays theirs.
   *
   * @throws IllegalArgumentException if none of this name was asked for
   */
  public PackedMatrix matrix(String name) {
    return asked(name, matrices, "matrix");
  }

  /**
   * Returns a vector, not to be changed.
   *
   * @throws IllegalArgumentException if none of this name was asked for
   */
  public double[] vector(String name) {
    return asked(name, vectors, "vector");
  }

  private static <W> W asked(String name, Map<String, W> weights, String what) {
    W weight = weights.get(name);
    if (weight == null) {
      throw new IllegalArgumentException(
          "expected the name of a " + what + " among " + weights.keySet() + ", got " + name);
    }
    return weight;
  }

  /** Returns the bytes of the matrices. */
  public long bytes() {
    return matrices.values().stream().mapToLong(PackedMatrix::bytes).sum();
  }

  /** Frees the matrices once no step is running; closing twice does no harm. */
  @Override
  public void close() {
    for (PackedMatrix matrix : matrices.values()) {
      if (matrix != null) {
        matrix.close();
      }
    }
  }
}
