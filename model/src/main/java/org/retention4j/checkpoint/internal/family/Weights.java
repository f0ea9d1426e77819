package org.retention4j.checkpoint.internal.family;

import java.util.function.Function;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * Where a family takes the weights of a model from: tensors by name, packed for an engine.
 *
 * @since 0.1
 */
public interface Weights {
  /** Returns who computes with them. */
  Engine engine();

  /** Returns what there is. */
  TensorNames present();

  /** Returns a mixer's weights, each of which is read from the tensor of a name. */
  WeightSource source(Function<WeightSpec, String> names);

  /** Packs a layer's matrix. */
  PackedMatrix matrix(String name, int rows, int columns);

  /** Packs some rows of a fused matrix of {@code allRows}. */
  PackedMatrix matrix(String name, int firstRow, int rows, int columns, int allRows);

  /** Packs the output matrix. */
  PackedMatrix output(String name, int rows, int columns);

  /** Copies the embedding table. */
  RowTable table(String name, int rows, int columns);

  /** Reads a vector. */
  double[] vector(String name, int length);
}
