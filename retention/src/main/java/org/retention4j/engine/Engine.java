package org.retention4j.engine;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Computes in one element type on a fixed number of threads, and owns the scratch of its lanes.
 *
 * <p>An engine may be used from many threads, virtual ones too; calls are served one at a time in
 * the order of asking, each on all lanes, and give the same bits whoever else is calling. What a
 * call throws ends that call and no other. Closing it twice does no harm.
 */
public final class Engine implements AutoCloseable {
  private final ElementType type;
  private final Provider provider;
  private final Arena arena = new Arena();
  private final Lane[] lanes;
  private final Workers workers;
  private final VirtualCallers virtualCallers = new VirtualCallers();
  private final Map<Object, Object[]> prepared = new ConcurrentHashMap<>();

  private Engine(ElementType type, int threads, Provider provider) {
    if (threads < 1) {
      throw new IllegalArgumentException("expected at least 1 thread, got " + threads);
    }
    this.type = type;
    this.provider = provider;
    loadLibraries();
    lanes = new Lane[threads];
    try {
      for (int i = 0; i < threads; i++) {
        lanes[i] =
            type == ElementType.FLOAT32
                ? new Float32Lane(i, arena, provider.kernels())
                : new Float64Lane(i, arena);
      }
      workers = new Workers(lanes);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Loads what is native before there are worker threads: a library that one thread loads while
   * another makes the first of its objects may leave both waiting for ever.
   */
  private void loadLibraries() {
    NativeLibraries.nd4j();
    if (type == ElementType.FLOAT32) {
      NativeLibraries.oneDnn();
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
   * @throws NativeLibraryException if native code cannot be unpacked or loaded
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
   * Runs work that other threads' calls must not come between: a step of several tasks is not torn
   * by somebody who closes its weights. Within it the same thread may run tasks and more such work;
   * a virtual thread waits while another thread runs it.
   *
   * @throws IllegalStateException from within a call of an engine: a form's kernel may call none
   */
  public void exclusively(Runnable work) {
    if (VirtualCallers.isCurrent()) {
      virtualCallers.run(() -> workers.exclusively(work));
    } else {
      workers.exclusively(work);
    }
  }

  /**
   * Runs parts 0…parts−1 of a task on all lanes and returns when all are done. What a part throws
   * is thrown here, once no part runs any more.
   *
   * @throws IllegalStateException after close, or from within a call of an engine
   */
  public void run(int parts, LaneTask task) {
    checkOpen();
    if (VirtualCallers.isCurrent()) {
      virtualCallers.run(() -> workers.run(parts, task));
    } else {
      workers.run(parts, task);
    }
  }

  /**
   * Returns what {@code make} gives for each lane, made at the first call for this key and kept
   * until the engine closes. Threads that ask first at the same time may each make it; they get the
   * same.
   */
  @SuppressWarnings("unchecked")
  public <T> T[] perLane(Object key, Function<Lane, T> make, T[] empty) {
    checkOpen();
    Object[] kept = prepared.get(key);
    if (kept == null) {
      // Under no lock: a form may do here what it likes.
      Object[] made = Arrays.copyOf(empty, lanes.length);
      for (int i = 0; i < lanes.length; i++) {
        Lane lane = lanes[i];
        made[i] = withOneThread(() -> make.apply(lane));
      }
      Object[] other = prepared.putIfAbsent(key, made);
      kept = other == null ? made : other;
    }
    return (T[]) kept;
  }

  /** Returns what {@code make} gives: oneDNN plans a primitive for the thread count it finds. */
  private <T> T withOneThread(Supplier<T> make) {
    if (VirtualCallers.isCurrent()) {
      return virtualCallers.call(() -> withOneThread(make));
    }
    int before = OpenMp.threads();
    OpenMp.setThreads(1);
    try {
      return make.get();
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
              + Arrays.toString(source.shape()));
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
          withOneThread(() -> new Bfloat16Operand(owner, scratch, (Float32Tile) x));
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
        () ->
            new Float32Projection(
                owner, scratch, operand, (Float32Matrix) w, block, (Float32Tile) y, activation));
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
