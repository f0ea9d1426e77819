package org.retention4j.engine;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.float32.Fp32Lane;
import org.retention4j.internal.float32.Fp32Layout;
import org.retention4j.internal.float32.Kernels;
import org.retention4j.internal.float32.PlainKernels;
import org.retention4j.internal.float64.Fp64HeadState;
import org.retention4j.internal.float64.Fp64Lane;
import org.retention4j.internal.float64.Fp64Matrix;
import org.retention4j.internal.float64.Fp64Tile;
import org.retention4j.internal.kv.KvBlocks;
import org.retention4j.internal.lanes.OpenMp;
import org.retention4j.internal.lanes.PerLane;
import org.retention4j.internal.lanes.ProductMaker;
import org.retention4j.internal.lanes.VirtualCallers;
import org.retention4j.internal.lanes.Workers;
import org.retention4j.internal.linear.MatMuls;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.linear.onednn.Bf16Products;
import org.retention4j.internal.linear.onednn.OneDnnLibrary;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.EmbeddingTable;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;
import org.retention4j.internal.nd4j.ArraySource;
import org.retention4j.internal.nd4j.Nd4jLibrary;
import org.retention4j.internal.vector.VectorKernels;

/**
 * Computes in one element type on a fixed number of threads, and owns the scratch of its lanes: the
 * door to all machines behind the words of {@code engine.ops}.
 *
 * <p>An engine may be used from many threads; virtual ones too; calls are served one at a time in
 * the order of asking, each on all lanes, and give the same bits whoever else is calling. What a
 * call throws ends that call and no other. Closing it twice does no harm.
 *
 * @since 0.1
 */
public final class Engine implements Lanes, AutoCloseable {
  private final ElementType type;
  private final ComputeRoute route;
  private final Arena arena = new Arena(this::allocate);
  private final Fp32Layout layout;
  private final WeightFormats formats;
  private final Lane[] lanes;
  private final Workers workers;
  private final VirtualCallers virtualCallers = new VirtualCallers();
  private final PerLane prepared = new PerLane();

  private Engine(ElementType type, int threads, ComputeRoute route) {
    if (type == null || route == null) {
      throw new IllegalArgumentException(
          "expected an element type and a route, got " + type + " and " + route);
    }
    if (threads < 1) {
      throw new IllegalArgumentException("expected at least 1 thread, got " + threads);
    }
    if (!route.available()) {
      throw new IllegalArgumentException(
          "route VECTOR needs the JVM option --add-modules jdk.incubator.vector,"
              + " and this JVM runs without that module");
    }
    this.type = type;
    this.route = route;
    Supplier<Kernels> kernels = route == ComputeRoute.PLAIN ? PlainKernels::new : Vectors.KERNELS;
    layout = new Fp32Layout(kernels);
    formats = new WeightFormats(type, route);
    lanes = new Lane[threads];
    loadLibraries();
    try {
      for (int i = 0; i < threads; i++) {
        lanes[i] =
            type == ElementType.FLOAT32
                ? new Fp32Lane(i, arena, kernels.get())
                : new Fp64Lane(i, arena);
      }
      workers = new Workers(lanes);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /** Not touched before the module is known to be there: without it there is no such class. */
  private static final class Vectors {
    static final Supplier<Kernels> KERNELS = VectorKernels::new;
  }

  /**
   * Loads what is native before there are worker threads: a library that one thread loads while
   * another makes the first of its objects may leave both waiting for ever.
   */
  private void loadLibraries() {
    Nd4jLibrary.prepare();
    if (type == ElementType.FLOAT32) {
      OneDnnLibrary.get();
    }
  }

  /** Returns an fp32 engine on all processors with the best route. */
  public static Engine float32() {
    return create(
        ElementType.FLOAT32, Runtime.getRuntime().availableProcessors(), ComputeRoute.best());
  }

  /** Returns a float64 engine on all processors: slow, for proofs. */
  public static Engine float64() {
    return create(
        ElementType.FLOAT64, Runtime.getRuntime().availableProcessors(), ComputeRoute.PLAIN);
  }

  /**
   * Returns an engine.
   *
   * @param threads the number of lanes, at least 1; results do not depend on it
   * @param route of element-wise fp32 work, and of products with narrow weights where the processor
   *     is made for them; the log says what was chosen
   * @throws IllegalArgumentException if type or route is null, threads &lt; 1, or the route is not
   *     available
   * @throws org.retention4j.engine.natives.NativeLibraryException if native code cannot be unpacked
   *     or loaded
   */
  public static Engine create(ElementType type, int threads, ComputeRoute route) {
    return new Engine(type, threads, route);
  }

  /** Returns the type of activations and states. */
  public ElementType type() {
    return type;
  }

  /** Returns the type of ND4J's arrays that hold activations and states. */
  public DataType dataType() {
    return NdArrays.dataType(type);
  }

  @Override
  public int threads() {
    return lanes.length;
  }

  /** Returns the route of element-wise work. */
  public ComputeRoute route() {
    return route;
  }

  /** Returns the name of the element-wise kernels as reports show it. */
  public String kernelsName() {
    return type == ElementType.FLOAT32 ? layout.kernelsName() : "plain";
  }

  /**
   * Returns whether this processor multiplies bf16 with bf16, and this engine lets it where that is
   * asked for; with the Vector API only on processors with 512-bit vectors. Else whoever asks for
   * it gets fp32 activations.
   */
  public boolean multipliesBfloat16() {
    return formats.multipliesBfloat16();
  }

  @Override
  public void exclusively(Runnable work) {
    if (VirtualCallers.isCurrent()) {
      virtualCallers.run(() -> workers.exclusively(work));
    } else {
      workers.exclusively(work);
    }
  }

  @Override
  public void run(int parts, Lanes.Task task) {
    checkOpen();
    if (VirtualCallers.isCurrent()) {
      virtualCallers.run(() -> workers.run(parts, task));
    } else {
      workers.run(parts, task);
    }
  }

  @Override
  public <T> T[] perLane(Object key, Function<Lane, T> make, T[] empty) {
    checkOpen();
    return prepared.get(this, lanes, key, make, empty);
  }

  @Override
  public <T> T withOneThread(Supplier<T> make) {
    return VirtualCallers.isCurrent()
        ? virtualCallers.call(() -> OpenMp.withOneThread(make))
        : OpenMp.withOneThread(make);
  }

  private Tile allocate(Arena owner, int rows, int columns) {
    checkOpen();
    return type == ElementType.FLOAT32
        ? Fp32Tile.allocate(owner, rows, columns)
        : Fp64Tile.allocate(owner, rows, columns);
  }

  /** Returns the owner of a binding's tiles, to be closed with it. */
  public Buffers newBuffers() {
    return new Arena(this::allocate);
  }

  /** Returns tiles that bindings share which never run side by side. */
  public Scratch newScratch() {
    return new ScratchTiles(this::allocate);
  }

  /** Returns a zero state (K,V) in the layout of this engine. */
  public HeadState newState(int keyWidth, int valueWidth) {
    requireWidths(keyWidth, valueWidth);
    return type == ElementType.FLOAT32
        ? layout.newState(keyWidth, valueWidth)
        : new Fp64HeadState(keyWidth, valueWidth);
  }

  private static void requireWidths(int keyWidth, int valueWidth) {
    if (keyWidth < 1 || valueWidth < 1) {
      throw new IllegalArgumentException(
          "expected widths K, V >= 1, got " + keyWidth + ", " + valueWidth);
    }
  }

  /** Returns the bytes that a state (K,V) of a type holds, pending tokens included. */
  public static long stateBytes(ElementType type, int keyWidth, int valueWidth) {
    requireWidths(keyWidth, valueWidth);
    return type == ElementType.FLOAT32
        ? Fp32Layout.stateBytes(keyWidth, valueWidth)
        : Fp64HeadState.bytes(keyWidth, valueWidth);
  }

  /** Returns whether a state has the type and the layout of this engine's own. */
  public boolean suits(HeadState state) {
    return type == ElementType.FLOAT32 ? layout.suits(state) : state instanceof Fp64HeadState;
  }

  /**
   * Returns an empty cache for softmax attention.
   *
   * @param cacheType FLOAT64 for a float64 engine and no other
   */
  public KvHead newCache(CacheType cacheType, int keyWidth, int valueWidth) {
    requireWidths(keyWidth, valueWidth);
    if ((Args.present("a type of cache", cacheType) == CacheType.FLOAT64)
        != (type == ElementType.FLOAT64)) {
      throw new IllegalArgumentException(
          "expected a cache that a " + type + " engine has, got one of " + cacheType);
    }
    return cacheType == CacheType.FLOAT64
        ? new KvBlocks(Fp64Matrix::new, keyWidth, valueWidth)
        : layout.newCache(cacheType, keyWidth, valueWidth);
  }

  /** Copies a matrix as a table of which single rows are read; it is not retained. */
  public RowTable newTable(MatrixSource source, WeightType weightType) {
    return new EmbeddingTable(
        Args.present("a matrix", source), Args.present("a type of weights", weightType));
  }

  /** Returns the bytes of a table of a size. */
  public static long tableBytes(WeightType weightType, long rows, long columns) {
    return EmbeddingTable.bytes(weightType, rows, columns);
  }

  /** Returns a source as a new array (out,in) of this engine's type. */
  public INDArray toArray(MatrixSource source) {
    return NdArrays.toArray(type, Args.present("a matrix", source));
  }

  /**
   * Packs a weight matrix; the source is not retained.
   *
   * @param source shape (out,in), FLOAT or DOUBLE, any strides
   * @param weightType FLOAT32, BFLOAT16 or INT8; in the float64 engine also FLOAT64
   * @throws IllegalArgumentException for another rank, an empty matrix or an unsupported type
   */
  public PackedMatrix pack(INDArray source, WeightType weightType) {
    Args.present("a weight matrix", source);
    if (source.rank() != 2 || source.length() == 0) {
      throw new IllegalArgumentException(
          "expected a weight matrix of shape (out,in), got " + Arrays.toString(source.shape()));
    }
    return pack(new ArraySource(source), weightType);
  }

  /**
   * Packs a weight matrix that is read row by row.
   *
   * @see #pack(INDArray, WeightType)
   */
  public PackedMatrix pack(MatrixSource source, WeightType weightType) {
    checkOpen();
    Args.present("a weight matrix", source);
    Args.present("a type of weights", weightType);
    if (source.rows() < 1 || source.columns() < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a weight matrix of shape (out,in), got [%d, %d]",
              source.rows(),
              source.columns()));
    }
    return formats.pack(this, source, weightType);
  }

  /**
   * Returns the bytes that a matrix takes once it is packed in an engine of a type with the best
   * route of this JVM, to within 1 %; in native memory, on processors without 512-bit vectors or
   * with very few outputs, a matrix takes less, and of 8-bit weights with AMX. Loads nothing
   * native.
   *
   * @param weights FLOAT32, BFLOAT16 or INT8; in the float64 engine also FLOAT64
   * @throws IllegalArgumentException for an unsupported type
   */
  public static long packedBytes(ElementType type, WeightType weights, long outputs, long inputs) {
    if (outputs < 1 || inputs < 1) {
      throw new IllegalArgumentException(
          "expected outputs, inputs >= 1, got " + outputs + ", " + inputs);
    }
    return WeightFormats.bytes(type, weights, outputs, inputs);
  }

  /**
   * Begins products of one tile with several weight matrices.
   *
   * @param owner owns what the bindings need, from {@link #newBuffers}
   * @param scratch gives what bindings may share, from {@link #newScratch}
   * @param x (M,in)
   * @param bfloat16 whether x may be rounded to bf16 for bf16 weights when it has many rows, which
   *     is faster and less exact; no notice is taken where {@link #multipliesBfloat16} is false
   */
  public MatMulGroup matMuls(Buffers owner, Scratch scratch, Tile x, boolean bfloat16) {
    checkOpen();
    PlanContext context = new PlanContext((Arena) owner, (ScratchTiles) scratch);
    return new MatMuls(this, type, context, x, bfloat16);
  }

  /** Returns what prepares products of tiles for an owner; rounded to bf16 with a scratch. */
  ProductMaker products(Buffers owner, Scratch rounded) {
    checkOpen();
    if (type == ElementType.FLOAT64) {
      return ProductMaker.of(lanes[0].tiles());
    }
    return rounded == null || !multipliesBfloat16()
        ? Fp32Lane.products((Arena) owner)
        : new Bf16Products((Arena) owner, (ScratchTiles) rounded);
  }

  private void checkOpen() {
    if (workers.closed()) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  /**
   * Waits for the calls that are being served and frees the lanes.
   *
   * @throws IllegalStateException from within a call of an engine
   */
  @Override
  public void close() {
    if (workers.closed()) {
      return;
    }
    if (VirtualCallers.isCurrent()) {
      virtualCallers.run(workers::close);
    } else {
      workers.close();
    }
    virtualCallers.close();
    prepared.clear();
    arena.close();
  }
}
