package org.retention4j.bench.ceiling;

import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;

/** Ways to read an array once: a Java loop, the C library, a product with one row. */
public final class ReadCeiling {
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int PRODUCT_INPUTS = 2048;
  private static final int PRODUCT_OUTPUTS = 1024;

  /** Doubles that keep the sums of two lanes on different cache lines. */
  private static final int APART = 16;

  private final Engine engine;

  /** Where sums go, so that no loop is dead code. */
  private final double[] sink;

  /** Works on an engine's lanes. */
  public ReadCeiling(Engine engine) {
    this.engine = engine;
    sink = new double[engine.threads() * APART];
  }

  /** Returns all ways to read so many bytes. */
  public List<Supplier<BareWork>> ways(long bytes) {
    int blocks = (int) Math.max(2, bytes / BLOCK_BYTES);
    return List.of(
        () -> ComputeRoute.VECTOR.available() ? vectors(blocks) : integers(blocks),
        () -> compare(blocks / 2),
        () -> product((int) Math.max(1, bytes / productBytes())));
  }

  /** Returns memcmp over memory that may be more than the heap has room for. */
  public BareWork compare(long bytes) {
    return compare((int) Math.max(1, bytes / BLOCK_BYTES / 2));
  }

  private static long productBytes() {
    return (long) PRODUCT_INPUTS * PRODUCT_OUTPUTS * Float.BYTES;
  }

  private void keep(int lane, double value) {
    sink[lane * APART] += value;
  }

  private BareWork integers(int blocks) {
    int[][] data = new int[blocks][BLOCK_BYTES / Integer.BYTES];
    for (int[] block : data) {
      block[0] = 1;
    }
    return new LaneWork(
        engine,
        "Java loop",
        (double) blocks * BLOCK_BYTES,
        blocks,
        (lane, part) -> keep(lane.index(), PlainLoops.sum(data[part])),
        true,
        () -> {});
  }

  private BareWork vectors(int blocks) {
    float[][] data = new float[blocks][BLOCK_BYTES / Float.BYTES];
    for (float[] block : data) {
      block[0] = 1;
    }
    return new LaneWork(
        engine,
        "Vector API loop",
        (double) blocks * BLOCK_BYTES,
        blocks,
        (lane, part) -> keep(lane.index(), VectorLoops.sum(data[part])),
        true,
        () -> {});
  }

  private BareWork compare(int pairs) {
    NativeBlock data = new NativeBlock(2L * pairs * BLOCK_BYTES);
    BytePointer[] left = new BytePointer[pairs];
    BytePointer[] right = new BytePointer[pairs];
    for (int i = 0; i < pairs; i++) {
      left[i] = data.at(2L * i * BLOCK_BYTES, BLOCK_BYTES);
      right[i] = data.at((2L * i + 1) * BLOCK_BYTES, BLOCK_BYTES);
    }
    return new LaneWork(
        engine,
        "memcmp",
        2.0 * pairs * BLOCK_BYTES,
        pairs,
        (lane, part) -> keep(lane.index(), Pointer.memcmp(left[part], right[part], BLOCK_BYTES)),
        true,
        data::close);
  }

  private BareWork product(int parts) {
    BareProduct[] products = new BareProduct[parts];
    NativeBlock src = new NativeBlock((long) PRODUCT_INPUTS * Float.BYTES).fillRandom(1);
    long each = (long) PRODUCT_OUTPUTS * Float.BYTES;
    NativeBlock dst = new NativeBlock(parts * each);
    OpenMpThreads.with(
        1,
        () -> {
          for (int i = 0; i < parts; i++) {
            products[i] =
                new BareProduct(
                    src.at(0, src.bytes()),
                    dst.at(i * each, each),
                    1,
                    PRODUCT_INPUTS,
                    PRODUCT_OUTPUTS,
                    PRODUCT_OUTPUTS);
          }
        });
    return new LaneWork(
        engine,
        "oneDNN product with one row",
        (double) parts * productBytes(),
        parts,
        (lane, part) -> products[part].run(),
        true,
        () -> {
          for (BareProduct product : products) {
            product.close();
          }
          src.close();
          dst.close();
        });
  }
}
