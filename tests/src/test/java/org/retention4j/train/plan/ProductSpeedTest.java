package org.retention4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;

/** What the speed of training is held against is measured with products that all lanes share. */
class ProductSpeedTest {
  /** Rows of a step by default, more than which are not measured. */
  private static final int ROWS = 2048;

  /** Lanes that a product of so many rows is to keep busy. */
  private static final int LANES = 8;

  @Test
  void everyProductIsSharedByManyLanes() {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
        Buffers owner = engine.newBuffers()) {
      List<TileProducts> products =
          ProductSpeed.products(() -> new TileProducts(engine, owner), owner, ROWS, 512, 256);
      assertThat(products).hasSize(2);
      // Forth; back 512 / 128 slabs of the weights' gradient beside that of the input.
      assertThat(products.get(0).parts()).isGreaterThanOrEqualTo(LANES);
      assertThat(products.get(1).parts()).isGreaterThanOrEqualTo(LANES + 512 / 128);
    }
  }

  @Test
  void measuringSpeaksOfAWholeModel() {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN)) {
      assertThat(ProductSpeed.measure(engine, ModelShapes.trained("ci"), 64, false))
          .isPositive()
          .isFinite();
    }
  }
}
