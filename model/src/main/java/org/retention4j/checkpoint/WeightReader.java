package org.retention4j.checkpoint;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.internal.family.Weights;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/** Packs a checkpoint's tensors for an engine; when one does not fit, what was packed is freed. */
final class WeightReader implements Weights {
  private final Engine engine;
  private final CheckpointFiles files;
  private final LoadOptions options;
  private final Deque<AutoCloseable> packed = new ArrayDeque<>();

  WeightReader(Engine engine, CheckpointFiles files, LoadOptions options) {
    this.engine = engine;
    this.files = files;
    this.options = options;
  }

  @Override
  public Engine engine() {
    return engine;
  }

  @Override
  public TensorNames present() {
    return files.present();
  }

  @Override
  public WeightSource source(Function<WeightSpec, String> names) {
    return new WeightSource() {
      @Override
      public Engine engine() {
        return engine;
      }

      @Override
      public PackedMatrix matrix(WeightSpec weight) {
        int rows = Math.toIntExact(weight.rows());
        int columns = Math.toIntExact(weight.columns());
        return WeightReader.this.matrix(names.apply(weight), rows, columns);
      }

      @Override
      public double[] vector(WeightSpec weight) {
        return WeightReader.this.vector(names.apply(weight), Math.toIntExact(weight.rows()));
      }
    };
  }

  @Override
  public PackedMatrix matrix(String name, int rows, int columns) {
    return pack(name, files.matrix(name, rows, columns));
  }

  @Override
  public PackedMatrix matrix(String name, int firstRow, int rows, int columns, int allRows) {
    return pack(name, files.matrix(name, firstRow, rows, columns, allRows));
  }

  private PackedMatrix pack(String name, MatrixSource source) {
    WeightType type = options.weights().matrix(files.info(name).dtype(), engine.type());
    return pack(name, source, type);
  }

  private PackedMatrix pack(String name, MatrixSource source, WeightType type) {
    requireGoingOn(name);
    PackedMatrix matrix = engine.pack(checked(name, source), type);
    packed.push(matrix);
    options.progress().loaded(name, matrix.bytes());
    return matrix;
  }

  @Override
  public PackedMatrix output(String name, int rows, int columns) {
    MatrixSource source = files.matrix(name, rows, columns);
    WeightType type = options.weights().table(files.info(name).dtype(), engine.type());
    return pack(name, source, type);
  }

  @Override
  public RowTable table(String name, int rows, int columns) {
    requireGoingOn(name);
    MatrixSource source = checked(name, files.matrix(name, rows, columns));
    WeightType type = options.weights().table(files.info(name).dtype(), engine.type());
    RowTable table = engine.newTable(source, type);
    packed.push(table);
    options.progress().loaded(name, table.bytes());
    return table;
  }

  @Override
  public double[] vector(String name, int length) {
    double[] vector = files.vector(name, length);
    for (int i = 0; i < length && options.checkFinite(); i++) {
      requireFinite(name, vector[i], "[" + i + "]");
    }
    return vector;
  }

  private MatrixSource checked(String name, MatrixSource source) {
    return options.checkFinite() ? new FiniteSource(name, source) : source;
  }

  private static void requireFinite(String name, double value, String at) {
    if (!Double.isFinite(value)) {
      throw new CheckpointException("expected finite weights, got " + value + " in " + name + at);
    }
  }

  private static void requireGoingOn(String name) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted before " + name + " was loaded");
    }
  }

  /** Frees all that was packed. */
  void free() {
    while (!packed.isEmpty()) {
      try {
        packed.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** A matrix whose numbers are looked at while they are read. */
  private record FiniteSource(String name, MatrixSource source) implements MatrixSource {
    @Override
    public int rows() {
      return source.rows();
    }

    @Override
    public int columns() {
      return source.columns();
    }

    @Override
    public void read(int row, float[] into) {
      source.read(row, into);
      for (int i = 0; i < source.columns(); i++) {
        requireFinite(name, into[i], "[" + row + "," + i + "]");
      }
    }

    @Override
    public void read(int row, double[] into) {
      source.read(row, into);
      for (int i = 0; i < source.columns(); i++) {
        requireFinite(name, into[i], "[" + row + "," + i + "]");
      }
    }

    /** A number may be finite and too large for bf16 all the same. */
    @Override
    public void readBfloat16(int row, float[] room, short[] into) {
      read(row, room);
      Bfloat16.fromFloats(room, into, source.columns());
      for (int i = 0; i < source.columns(); i++) {
        if ((into[i] & 0x7f80) == 0x7f80) {
          throw new CheckpointException(
              String.format(
                  Locale.ROOT,
                  "expected weights that bf16 can hold, got %s in %s[%d,%d]",
                  room[i],
                  name,
                  row,
                  i));
        }
      }
    }
  }
}
