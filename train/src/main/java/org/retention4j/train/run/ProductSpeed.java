package org.retention4j.train.run;

import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.nn.Init;

/**
 * How fast an engine multiplies at the shapes of a model, measured in less than a second: what the
 * speed of training is held against.
 *
 * @since 0.1
 */
public final class ProductSpeed {
  private static final int MOST_ROWS = 2048;
  private static final double SECONDS = 0.3;
  private static final double NANOS = 1e9;

  private ProductSpeed() {}

  /**
   * Returns the best of several floating-point operations a second, a multiply-add counted as two.
   *
   * @param rows tokens of a batch
   */
  public static double measure(Engine engine, DecoderConfig config, int rows) {
    int m = Math.min(MOST_ROWS, rows);
    int d = config.modelWidth();
    int hidden = config.layers().get(0).hidden();
    try (Buffers owner = engine.newBuffers();
        Scratch scratch = engine.newScratch();
        PackedMatrix w =
            engine.pack(
                Init.uniform(new java.util.SplittableRandom(1), hidden, d), WeightType.FLOAT32)) {
      Tile x = owner.tile(m, d);
      Tile y = owner.tile(m, hidden);
      MatMulGroup product = engine.matMuls(owner, scratch, x, false).add(w, y, Activation.NONE);
      double flops = 2.0 * m * d * hidden;
      double best = 0;
      long begin = System.nanoTime();
      while ((System.nanoTime() - begin) / NANOS < SECONDS) {
        long start = System.nanoTime();
        engine.exclusively(product::run);
        best = Math.max(best, flops / ((System.nanoTime() - start) / NANOS));
      }
      return best;
    }
  }
}
