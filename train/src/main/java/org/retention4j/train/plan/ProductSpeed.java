package org.retention4j.train.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.nn.WeightSpec;

/**
 * How fast an engine multiplies at the shapes of a model, on all lanes: what the speed of training
 * is held against. The products are those of training, x·Wᵀ, dYᵀ·x and dY·W of each matrix of the
 * layers, with nothing between them.
 *
 * @since 0.1
 */
public final class ProductSpeed {
  /** More rows are no faster. */
  private static final int MOST_ROWS = 2048;

  /** For all shapes together; a shape is measured once at least, however long that takes. */
  private static final double SECONDS = 0.6;

  private static final double NANOS = 1e9;

  /** Two floating-point operations for each element of three products. */
  private static final double FLOPS = 6;

  private ProductSpeed() {}

  /** A matrix (out,in). */
  private record Shape(int outputs, int inputs) {
    static Shape of(WeightSpec weight) {
      return new Shape(Math.toIntExact(weight.rows()), Math.toIntExact(weight.columns()));
    }
  }

  /**
   * Returns floating-point operations a second over one step's products, a multiply-add counted as
   * two: each shape by the best of its measurements, weighted by how often the model has it.
   *
   * @param rows tokens of a batch, at least 1
   * @param bf16 whether operands are rounded to bf16, which is part of the work then
   */
  public static double measure(Engine engine, DecoderConfig config, int rows, boolean bf16) {
    Map<Shape, Integer> shapes = shapes(config);
    int m = Math.min(MOST_ROWS, rows);
    double flops = 0;
    double seconds = 0;
    for (Map.Entry<Shape, Integer> each : shapes.entrySet()) {
      Shape shape = each.getKey();
      int count = each.getValue();
      flops += count * FLOPS * m * shape.outputs() * shape.inputs();
      seconds += count * best(engine, shape, m, bf16, SECONDS / shapes.size());
    }
    return flops / seconds;
  }

  /** Returns how often the layers have a matrix of each shape. */
  private static Map<Shape, Integer> shapes(DecoderConfig config) {
    Map<Shape, Integer> shapes = new LinkedHashMap<>();
    for (LayerConfig layer : config.layers()) {
      List<WeightSpec> weights = new ArrayList<>(layer.mixer().weights());
      weights.addAll(layer.feedForward().weights());
      weights.stream()
          .filter(WeightSpec::isMatrix)
          .forEach(weight -> shapes.merge(Shape.of(weight), 1, Integer::sum));
    }
    return shapes;
  }

  private static double best(Engine engine, Shape shape, int rows, boolean bf16, double limit) {
    try (Buffers owner = engine.newBuffers();
        Scratch rounded = engine.newScratch()) {
      Supplier<TileProducts> none =
          () ->
              bf16
                  ? TileProducts.bfloat16(engine, owner, rounded)
                  : new TileProducts(engine, owner);
      List<TileProducts> products = products(none, owner, rows, shape.outputs(), shape.inputs());
      products.forEach(TileProducts::run); // the first time is longer
      double best = Double.POSITIVE_INFINITY;
      long begin = System.nanoTime();
      do {
        long start = System.nanoTime();
        products.forEach(TileProducts::run);
        best = Math.min(best, (System.nanoTime() - start) / NANOS);
      } while ((System.nanoTime() - begin) / NANOS < limit);
      return best;
    }
  }

  /**
   * Binds the products of a matrix as {@link org.retention4j.train.pass.Linears} does: the one of
   * the way forth, and the two of the way back.
   *
   * @param none begins products
   * @param owner owns tiles
   * @param rows of the input
   */
  static List<TileProducts> products(
      Supplier<TileProducts> none, Buffers owner, int rows, int outputs, int inputs) {
    Tile x = filled(owner, rows, inputs);
    Tile w = filled(owner, outputs, inputs);
    Tile dy = filled(owner, rows, outputs);
    Tile y = owner.tile(rows, outputs);
    Tile dx = owner.tile(rows, inputs);
    Tile dw = owner.tile(outputs, inputs);
    return List.of(
        none.get().add(x, false, w, true, y, false),
        none.get().add(dy, true, x, false, dw, true).add(dy, false, w, false, dx, false));
  }

  /** Zeros cost a processor less than numbers do. */
  private static Tile filled(Buffers owner, int rows, int columns) {
    Tile tile = owner.tile(rows, columns);
    RowView view = tile.asRows(rows, columns);
    double[] row = new double[columns];
    for (int i = 0; i < rows; i++) {
      int first = i;
      Arrays.setAll(row, j -> Math.sin(first + 0.7 * j));
      view.writeWide(0, i, 0, row);
    }
    return tile;
  }
}
