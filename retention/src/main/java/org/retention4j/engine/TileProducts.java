package org.retention4j.engine;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.LaneProduct;
import org.retention4j.internal.lanes.ProductMaker;

/**
 * Products of tiles, cut into blocks of rows of their results, which the lanes share out as one
 * task. Products with the same result follow each other in the order in which they were added,
 * block by block; all others run side by side. Bound once; running it allocates nothing.
 *
 * <p>The blocks follow from the shapes alone, so that the bits do not depend on the number of
 * lanes.
 *
 * @since 0.1
 */
public final class TileProducts {
  /** Blocks there should be at least, for many lanes to share. */
  private static final int BLOCKS = 16;

  private static final int SMALLEST = 64;
  private static final int LARGEST = 256;

  /** Rows of a block where the left operand is transposed, as in a gradient of weights. */
  private static final int SLAB = 128;

  /**
   * The longest sum over rows of transposed operands at once: what is read of both then stays in
   * the cache while a block is computed. A tenth faster than all at once at 2,048 rows.
   */
  private static final int INNER = 256;

  private final Lanes lanes;
  private final ProductMaker maker;
  private final List<Result> results = new ArrayList<>();
  private final Map<Tile, ProductMaker.Operand> operands = new IdentityHashMap<>();
  private final List<Update> updates = new ArrayList<>();
  private LaneProduct[][] parts = {};
  private final Lanes.Task part = this::runPart;
  private final Lanes.Task update = this::runUpdate;

  /** A result and what is done for each of its blocks. */
  private record Result(Tile c, int size, boolean slabs, List<List<LaneProduct>> blocks) {}

  /** A part of an operand's copy. */
  private record Update(ProductMaker.Operand operand, int part) {}

  /**
   * Begins without products.
   *
   * @param owner owns what the products need, from {@link Engine#newBuffers}
   */
  public TileProducts(Engine engine, Buffers owner) {
    this(engine, engine.products(owner, null));
  }

  /**
   * Begins without products, of operands that are rounded to bf16 whenever they run; sums and
   * results are fp32. Faster and less exact; no notice is taken in float64 and where {@link
   * Engine#multipliesBfloat16} is false.
   *
   * @param owner owns what the products need, from {@link Engine#newBuffers}
   * @param rounded gives room for rounded operands, from {@link Engine#newScratch}; what is in it
   *     means nothing outside {@link #run}
   */
  public static TileProducts bfloat16(Engine engine, Buffers owner, Scratch rounded) {
    return new TileProducts(engine, engine.products(owner, rounded));
  }

  private TileProducts(Lanes lanes, ProductMaker maker) {
    this.lanes = lanes;
    this.maker = maker;
  }

  /**
   * Adds c ← a·b, or c ← c + a·b; operands may be given transposed, as {@link
   * org.retention4j.engine.ops.TileOps#product} takes them.
   *
   * @throws IllegalArgumentException if the shapes do not join
   */
  public TileProducts add(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    addRead(operand(a), transposeA, operand(b), transposeB, c, accumulate);
    order();
    return this;
  }

  /** Returns a tile as the products read it; where that is a copy, all of them read one. */
  private Tile operand(Tile tile) {
    ProductMaker.Operand operand = operands.get(tile);
    if (operand == null) {
      operand = lanes.withOneThread(() -> maker.operand(tile));
      operands.put(tile, operand);
      for (int i = 0; i < operand.parts(); i++) {
        updates.add(new Update(operand, i));
      }
    }
    return operand.elements();
  }

  private void addRead(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    Result result = result(c, transposeA);
    for (int i = 0; i < result.blocks().size(); i++) {
      int from = i * result.size();
      int count = Math.min(result.size(), c.rows() - from);
      Tile to = c.part(from, count, 0, c.columns());
      List<LaneProduct> block = result.blocks().get(i);
      if (!transposeA) {
        Tile left = a.part(from, count, 0, a.columns());
        block.add(make(left, false, b, transposeB, to, accumulate));
      } else if (transposeB) {
        block.add(make(a.part(0, a.rows(), from, count), true, b, true, to, accumulate));
      } else {
        addSlab(block, a.part(0, a.rows(), from, count), b, to, accumulate);
      }
    }
  }

  private Result result(Tile c, boolean slabs) {
    for (Result known : results) {
      if (known.c() == c) {
        return known;
      }
    }
    int size =
        slabs ? SLAB : Math.min(Math.max((c.rows() / BLOCKS + 15) / 16 * 16, SMALLEST), LARGEST);
    List<List<LaneProduct>> blocks = new ArrayList<>();
    for (int from = 0; from < c.rows(); from += size) {
      blocks.add(new ArrayList<>());
    }
    Result result = new Result(c, size, slabs, blocks);
    results.add(result);
    return result;
  }

  /** Adds aᵀ·b, some rows of both after the other. */
  private void addSlab(List<LaneProduct> to, Tile a, Tile b, Tile c, boolean accumulate) {
    for (int from = 0; from < a.rows(); from += INNER) {
      int count = Math.min(INNER, a.rows() - from);
      Tile left = a.part(from, count, 0, a.columns());
      Tile right = b.part(from, count, 0, b.columns());
      to.add(make(left, true, right, false, c, accumulate || from > 0));
    }
  }

  private LaneProduct make(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return lanes.withOneThread(() -> maker.make(a, transposeA, b, transposeB, c, accumulate));
  }

  /** Slabs first, which take longest; then the first blocks of all results, the second ones … */
  private void order() {
    List<List<LaneProduct>> all = new ArrayList<>();
    int most = 0;
    for (Result result : results) {
      if (result.slabs()) {
        all.addAll(result.blocks());
      } else {
        most = Math.max(most, result.blocks().size());
      }
    }
    for (int i = 0; i < most; i++) {
      for (Result result : results) {
        if (!result.slabs() && i < result.blocks().size()) {
          all.add(result.blocks().get(i));
        }
      }
    }
    parts = new LaneProduct[all.size()][];
    java.util.Arrays.setAll(parts, i -> all.get(i).toArray(new LaneProduct[0]));
  }

  /** Computes all of them. */
  public void run() {
    if (!updates.isEmpty()) {
      lanes.run(updates.size(), update);
    }
    lanes.run(parts.length, part);
  }

  private void runUpdate(Lane lane, int index) {
    Update each = updates.get(index);
    each.operand().update(lane, each.part());
  }

  private void runPart(Lane lane, int index) {
    for (LaneProduct product : parts[index]) {
      product.run(lane);
    }
  }

  /** Returns into how many parts the work is cut that the lanes share out. */
  public int parts() {
    return parts.length;
  }

  /** Returns the implementation of the first product, as oneDNN names it. */
  public String implementation() {
    return parts[0][0].implementation();
  }
}
