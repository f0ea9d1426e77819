package org.retention4j.engine;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Computes in one element type on a fixed number of threads, and owns the scratch of its lanes.
 *
 * <p>An engine may be used from many threads; calls are served one at a time, each on all lanes,
 * and give the same bits whoever else is calling. Closing it twice does no harm.
 */
public final class Engine implements AutoCloseable {
  private final ElementType type;
  private final Provider provider;
  private final Arena arena = new Arena();
  private final Lane[] lanes;
  private final Workers workers;
  private final Map<Object, Object> prepared = new ConcurrentHashMap<>();
  private volatile boolean closed;

  private Engine(ElementType type, int threads, Provider provider) {
    if (threads < 1) {
      throw new IllegalArgumentException("expected at least 1 thread, got " + threads);
    }
    this.type = type;
    this.provider = provider;
    lanes = new Lane[threads];
    for (int i = 0; i < threads; i++) {
      lanes[i] =
          type == ElementType.FLOAT32
              ? new Float32Lane(i, arena, provider.kernels())
              : new Float64Lane(i, arena);
    }
    loadLibraries();
    workers = new Workers(lanes, () -> OpenMp.setThreads(1));
  }

  /**
   * Loads what is native before there are worker threads: a library that one thread loads while
   * another makes the first of its objects may leave both waiting for ever.
   */
  private void loadLibraries() {
    OpenMp.threads();
    if (type == ElementType.FLOAT32) {
      OneDnn.cpu();
    }
  }

  /** Returns an fp32 engine on all processors with the best provider. */
  public static Engine float32() {
    return create(ElementType.FLOAT32, Runtime.getRuntime().availableProcessors(), Provider.best());
  }

  /** Returns a float64 engine on all processors: slow, for proofs. */
  public static Engine float64() {
    return create(ElementType.FLOAT64, Runtime.getRuntime().availableProcessors(), Provider.PLAIN);
  }

  /**
   * Returns an engine.
   *
   * @param threads the number of lanes, at least 1; results do not depend on it
   * @param provider the route of element-wise fp32 work
   * @throws IllegalArgumentException if threads < 1 or the provider is not available
   */
  public static Engine create(ElementType type, int threads, Provider provider) {
    return new Engine(type, threads, provider);
  }

  /** Returns the type of activations and states. */
  public ElementType type() {
    return type;
  }

  /** Returns the number of lanes. */
  public int threads() {
    return lanes.length;
  }

  /** Returns the provider of element-wise work. */
  public Provider provider() {
    return provider;
  }

  /** Returns the name of the element-wise provider as reports show it. */
  public String providerName() {
    return type == ElementType.FLOAT32 ? provider.kernels().name() : "plain";
  }

  /**
   * Returns whether this processor multiplies bf16 with bf16, and this engine lets it where that is
   * asked for; with the Vector API only on processors with 512-bit vectors. Else whoever asks for
   * it gets fp32 activations.
   */
  public boolean multipliesBfloat16() {
    boolean heap = provider == Provider.VECTOR && PairedKernels.wideEnough();
    return type == ElementType.FLOAT32
        && (heap ? HeapBfloat16.copies() : NarrowProducts.bfloat16());
  }

  /**
   * Keeps other threads out of this engine until {@link #unlock()}, so that a step of several tasks
   * is not torn by somebody who closes its weights. A thread may lock more than once.
   */
  public void lock() {
    workers.lock();
  }

  /** Lets other threads in again. */
  public void unlock() {
    workers.unlock();
  }

  /**
   * Runs parts 0…parts−1 of a task on all lanes and returns when all are done.
   *
   * @throws IllegalStateException after close
   */
  public void run(int parts, LaneTask task) {
    checkOpen();
    // The caller is lane 0; its own OpenMP setting is none of our business afterwards.
    int before = OpenMp.threads();
    if (before != 1) {
      OpenMp.setThreads(1);
    }
    try {
      workers.run(parts, task);
    } finally {
      if (before != 1) {
        OpenMp.setThreads(before);
      }
    }
  }

  /**
   * Returns what {@code make} gives for each lane, made at the first call for this key and kept
   * until the engine closes.
   */
  @SuppressWarnings("unchecked")
  public <T> T[] perLane(Object key, Function<Lane, T> make, T[] empty) {
    checkOpen();
    return (T[])
        prepared.computeIfAbsent(
            key,
            k -> {
              Object[] made = java.util.Arrays.copyOf(empty, lanes.length);
              for (int i = 0; i < lanes.length; i++) {
                made[i] = withOneThread(lanes[i], make);
              }
              return made;
            });
  }

  private static <T> T withOneThread(Lane lane, Function<Lane, T> make) {
    // oneDNN plans a primitive for the thread count it finds when the primitive is made.
    int before = OpenMp.threads();
    OpenMp.setThreads(1);
    try {
      return make.apply(lane);
    } finally {
      OpenMp.setThreads(before);
    }
  }

  /** Returns a zeroed tile owned by {@code owner}. */
  public Tile tile(Arena owner, int rows, int columns) {
    checkOpen();
    return type == ElementType.FLOAT32
        ? Float32Tile.allocate(owner, rows, columns)
        : Float64Tile.allocate(owner, rows, columns);
  }

  /**
   * Packs a weight matrix; the source is not retained.
   *
   * @param source shape (out,in), FLOAT or DOUBLE, any strides
   * @param weightType FLOAT32, BFLOAT16 or INT8; in the float64 engine also FLOAT64
   * @throws IllegalArgumentException for another rank, an empty matrix or an unsupported type
   */
  public PackedMatrix pack(INDArray source, WeightType weightType) {
    if (source.rank() != 2 || source.length() == 0) {
      throw new IllegalArgumentException(
          "expected a weight matrix of shape (out,in), got "
              + java.util.Arrays.toString(source.shape()));
    }
    return pack(new ArraySource(source), weightType);
  }

  /** Returns an array (out,in), FLOAT or DOUBLE, any strides, as a source; it is kept alive. */
  public MatrixSource source(INDArray array) {
    return new ArraySource(array);
  }

  /**
   * Packs a weight matrix that is read row by row.
   *
   * @see #pack(INDArray, WeightType)
   */
  public PackedMatrix pack(MatrixSource source, WeightType weightType) {
    checkOpen();
    if (source.rows() < 1 || source.columns() < 1) {
      throw new IllegalArgumentException(
          String.format(
              "expected a weight matrix of shape (out,in), got [%d, %d]",
              source.rows(), source.columns()));
    }
    if (type == ElementType.FLOAT64) {
      return new Float64Packed(this, source, weightType);
    }
    if (weightType == WeightType.FLOAT64) {
      throw new IllegalArgumentException(
          "expected weight type FLOAT32, BFLOAT16 or INT8 in the fp32 engine, got FLOAT64");
    }
    // Not before the provider is known: without its module there is no such class.
    HeapMatrix packed =
        provider == Provider.VECTOR ? HeapMatrix.tryPack(this, source, weightType) : null;
    return packed != null ? packed : new Float32Packed(this, source, weightType);
  }

  /**
   * Returns the bytes that a matrix takes once it is packed in an engine of a type, to within 1 %;
   * on processors without 512-bit vectors, and with very few outputs, a matrix takes less. Loads
   * nothing native.
   *
   * @param weights FLOAT32, BFLOAT16 or INT8; in the float64 engine also FLOAT64
   */
  public static long packedBytes(ElementType type, WeightType weights, long outputs, long inputs) {
    return type == ElementType.FLOAT64
        ? Float64Packed.bytes(outputs, inputs)
        : Float32Packed.bytes(weights, outputs, inputs);
  }

  /** Returns what stands in for x in its product with weights, see {@link Projections}. */
  Operand.Kind operandKind(Tile x, PackedMatrix w, boolean bfloat16) {
    return w instanceof Float32Matrix packed
        ? packed.operandKind(x.rows(), bfloat16)
        : Operand.Kind.DIRECT;
  }

  /** Returns how many output features a part of a product should have. */
  int block(Operand operand, PackedMatrix w) {
    return w instanceof Float32Matrix packed ? packed.block(operand.kind()) : w.outputs();
  }

  /** Returns x as a kind of operand. */
  Operand operand(Arena owner, Scratch scratch, Tile x, Operand.Kind kind) {
    checkOpen();
    return switch (kind) {
      case DIRECT -> new Operand.Direct(x);
      case ROWS, INT8_ROWS -> new HeapRows((Float32Tile) x, kind);
      case TERMS -> new Bfloat16Terms(scratch, (Float32Tile) x);
      case BFLOAT16 ->
          withOneThread(lanes[0], lane -> new Bfloat16Operand(owner, scratch, (Float32Tile) x));
      case INT8 -> new Int8Operand(scratch, (Float32Tile) x);
    };
  }

  /**
   * Binds y ← activation(x·Wᵀ).
   *
   * @param owner owns what the binding needs
   * @param scratch gives what bindings may share that never run side by side
   * @param operand of x (M,in), of the kind for these weights
   * @param block output features of a part: {@link #block} of these weights, or of others that have
   *     more
   * @param y (M,out)
   * @throws IllegalArgumentException if the shapes do not join
   */
  Projection project(
      Arena owner,
      Scratch scratch,
      Operand operand,
      PackedMatrix w,
      int block,
      Tile y,
      Activation activation) {
    checkOpen();
    Tile x = operand.tile();
    if (x.columns() != w.inputs() || y.columns() != w.outputs() || x.rows() != y.rows()) {
      throw new IllegalArgumentException(
          String.format(
              "expected x (M,%d) and y (M,%d), got x (%d,%d) and y (%d,%d)",
              w.inputs(), w.outputs(), x.rows(), x.columns(), y.rows(), y.columns()));
    }
    if (w instanceof Float64Packed != (type == ElementType.FLOAT64)) {
      throw new IllegalArgumentException(
          "expected weights packed for a " + type + " engine, got weights of another engine type");
    }
    if (type == ElementType.FLOAT64) {
      return ((Float64Packed) w).projection((Float64Tile) x, (Float64Tile) y, activation);
    }
    return withOneThread(
        lanes[0],
        lane ->
            new Float32Projection(
                owner, scratch, operand, (Float32Matrix) w, block, (Float32Tile) y, activation));
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    workers.close();
    prepared.clear();
    arena.close();
  }
}
