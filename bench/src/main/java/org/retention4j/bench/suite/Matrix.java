package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.bench.measure.LayerShape;

/**
 * The shape of a weight matrix.
 *
 * @param inputs features it takes
 * @param outputs features it gives
 */
record Matrix(int inputs, int outputs) {
  /** Returns W_Q, W_K, W_V, W_G and W_O of the retention block. */
  static List<Matrix> retentionBlock(LayerShape shape) {
    int d = shape.modelWidth();
    int keys = shape.heads() * shape.keyWidth();
    int values = shape.heads() * shape.valueWidth();
    return List.of(
        new Matrix(d, keys),
        new Matrix(d, keys),
        new Matrix(d, values),
        new Matrix(d, values),
        new Matrix(values, d));
  }

  /** Returns all matrices of the retention layer. */
  static List<Matrix> retentionLayer(LayerShape shape) {
    return with(retentionBlock(shape), shape.modelWidth(), shape.feedForward());
  }

  /** Returns all matrices of the Transformer layer. */
  static List<Matrix> attentionLayer(LayerShape shape) {
    int d = shape.modelWidth();
    int heads = shape.attentionHeads() * shape.attentionWidth();
    Matrix in = new Matrix(d, heads);
    return with(List.of(in, in, in, new Matrix(heads, d)), d, shape.attentionFeedForward());
  }

  /** Adds a SwiGLU. */
  private static List<Matrix> with(List<Matrix> mixer, int width, int hidden) {
    List<Matrix> all = new ArrayList<>(mixer);
    all.add(new Matrix(width, hidden));
    all.add(new Matrix(width, hidden));
    all.add(new Matrix(hidden, width));
    return List.copyOf(all);
  }
}
