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
import org.retention4j.internal.memory.Bf16Tile;
import org.retention4j.internal.memory.ScratchTiles;

/**
 * Products of tiles, cut into blocks of their results, which the lanes share out as one task.
 * Products with the same result follow each other in the order in which they were added, block by
 * block; all others run side by side. Bound once; running it allocates nothing.
 *
 * <p>The blocks follow from the shapes alone, so that the bits do not depend on the number of
 * lanes.
 *
 * @since 0.1
 */
public final class TileProducts {
  /** The most rows of a block: of fewer, too little is multiplied with what is read of b. */
  private static final int ROWS = 256;

  /** Blocks of fewer rows there are where there would not be so many. */
  private static final int BLOCKS = 4;

  private static final int FEWEST_ROWS = 64;

  /** Sizes of blocks are multiples of this: numbers in a register, and rows of a kernel's tile. */
  private static final int REGISTERS = 16;

  /** Blocks there should be in all, for many lanes to share; columns are parted for that. */
  private static final int SHARED = 16;

  /** Columns of a block where columns are parted. */
  private static final int COLUMNS = 512;

  /** Rows of a block where the left operand is transposed, as in a gradient of weights. */
  private static final int SLAB = 128;

  /** Elements of results from which such blocks have twice the rows. */
  private static final long LARGE = (long) SHARED * 2 * SLAB * COLUMNS;

  /**
   * The longest sum over rows of transposed operands at once: what is read of both then stays in
   * the cache while a block is computed.
   */
  private static final int INNER = 512;

  private final Lanes lanes;
  private final ProductMaker maker;
  private final List<Result> results = new ArrayList<>();
  private final Map<Tile, ProductMaker.Operand> operands = new IdentityHashMap<>();

  /** Operands of the products before these. */
  private final Map<Tile, ProductMaker.Operand> earlier;

  private final List<Update> updates = new ArrayList<>();
  private LaneProduct[][] parts = {};
  private final Lanes.Task part = this::runPart;
  private final Lanes.Task update = this::runUpdate;

  /** A result and what is done for each of its blocks. */
  private record Result(
      Tile c, int rows, int columns, boolean slabs, List<List<LaneProduct>> blocks) {}

  /** A part of an operand's copy. */
  private record Update(ProductMaker.Operand operand, int part) {}

  /**
   * Begins without products.
   *
   * @param owner owns what the products need, from {@link Engine#newBuffers}
   */
  public TileProducts(Engine engine, Buffers owner) {
    this(engine, engine.products(owner, null), Map.of());
  }

  /**
   * Begins without products, of operands that are rounded to bf16 whenever they run, unless they
   * are a {@link #bfloat16Tile}; sums and results are fp32. Faster and less exact; no notice is
   * taken in float64 and where {@link Engine#multipliesBfloat16} is false.
   *
   * @param owner owns what the products need, from {@link Engine#newBuffers}
   * @param rounded gives room for rounded operands, from {@link Engine#newScratch}; what is in it
   *     means nothing outside {@link #run} of these and of those {@link #behind} them
   */
  public static TileProducts bfloat16(Engine engine, Buffers owner, Scratch rounded) {
    return new TileProducts(engine, engine.products(owner, rounded), Map.of());
  }

  /**
   * Returns a tile that the products of {@link #bfloat16} read as it is, since what is written to
   * its rows is rounded there; one of the engine's type where those are not rounded either.
   */
  public static Tile bfloat16Tile(Engine engine, Scratch scratch, int rows, int columns) {
    return engine.multipliesBfloat16()
        ? Bf16Tile.of((ScratchTiles) scratch, rows, columns)
        : scratch.tile(rows, columns);
  }

  private TileProducts(Lanes lanes, ProductMaker maker, Map<Tile, ProductMaker.Operand> earlier) {
    this.lanes = lanes;
    this.maker = maker;
    this.earlier = earlier;
  }

  /**
   * Begins products that always run behind these. What has been added to these as an operand is not
   * rounded again, and must not change in between.
   */
  public TileProducts behind() {
    return new TileProducts(lanes, maker, operands);
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
    ProductMaker.Operand operand = operands.getOrDefault(tile, earlier.get(tile));
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
    int index = 0;
    for (int row = 0; row < c.rows(); row += result.rows()) {
      int rows = Math.min(result.rows(), c.rows() - row);
      Tile left = transposeA ? a.part(0, a.rows(), row, rows) : a.part(row, rows, 0, a.columns());
      for (int column = 0; column < c.columns(); column += result.columns()) {
        int columns = Math.min(result.columns(), c.columns() - column);
        Tile right =
            transposeB
                ? b.part(column, columns, 0, b.columns())
                : b.part(0, b.rows(), column, columns);
        Tile to = c.part(row, rows, column, columns);
        List<LaneProduct> block = result.blocks().get(index++);
        if (transposeA && !transposeB) {
          addSlab(block, left, right, to, accumulate);
        } else {
          block.add(make(left, transposeA, right, transposeB, to, accumulate));
        }
      }
    }
  }

  private Result result(Tile c, boolean slabs) {
    for (Result known : results) {
      if (known.c() == c) {
        return known;
      }
    }
    int rows = slabs ? slabRows(c) : blockRows(c);
    int down = parts(c.rows(), rows);
    int across =
        slabs ? parts(c.columns(), COLUMNS) : Math.min(parts(SHARED, down), c.columns() / COLUMNS);
    int columns = part(c.columns(), Math.max(1, across));
    int count = down * parts(c.columns(), columns);
    List<List<LaneProduct>> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(new ArrayList<>());
    }
    Result result = new Result(c, rows, columns, slabs, blocks);
    results.add(result);
    return result;
  }

  private static int blockRows(Tile c) {
    int most = parts(c.rows(), ROWS);
    return part(c.rows(), Math.max(most, Math.min(BLOCKS, c.rows() / FEWEST_ROWS)));
  }

  private static int slabRows(Tile c) {
    return (long) c.rows() * c.columns() >= LARGE ? 2 * SLAB : SLAB;
  }

  /** Returns how many parts of a size there are, the last of which may be smaller. */
  private static int parts(int whole, int size) {
    return (whole + size - 1) / size;
  }

  /** Returns the size of so many parts, which registers divide. */
  private static int part(int whole, int count) {
    return Math.max(1, parts(parts(whole, Math.max(1, count)), REGISTERS) * REGISTERS);
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
