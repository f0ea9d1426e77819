package org.retention4j.train.pass;

import java.util.Arrays;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * A weight that changes, and its gradient: a matrix (out,in) as tiles, or a vector on the heap,
 * whose elements are those of the engine's type all the same.
 */
public final class Parameter implements TrainedTensor {
  private final String name;
  private final WeightSpec spec;
  private final ElementType type;
  private final Tile value;
  private final Tile gradient;
  private final RowView valueRows;
  private double[] vector;
  private final double[] vectorGradient;

  private Parameter(String name, WeightSpec spec, ElementType type, Buffers owner) {
    this.name = name;
    this.spec = spec;
    this.type = type;
    int rows = Math.toIntExact(spec.rows());
    int columns = Math.toIntExact(spec.columns());
    value = spec.isMatrix() ? owner.tile(rows, columns) : null;
    gradient = spec.isMatrix() ? owner.tile(rows, columns) : null;
    valueRows = value == null ? null : value.asRows(rows, columns);
    vector = spec.isMatrix() ? new double[0] : new double[rows];
    vectorGradient = new double[vector.length];
  }

  /**
   * Makes a parameter of zeros.
   *
   * @param name in the whole model
   * @param owner owns its tiles
   */
  public static Parameter of(Engine engine, Buffers owner, String name, WeightSpec spec) {
    return new Parameter(name, spec, engine.type(), owner);
  }

  @Override
  public String name() {
    return name;
  }

  /** Returns what it is. */
  public WeightSpec spec() {
    return spec;
  }

  /** Returns whether it is a matrix and no vector. */
  public boolean isMatrix() {
    return spec.isMatrix();
  }

  /** Returns the elements of a matrix (out,in). */
  public Tile value() {
    return value;
  }

  /** Returns the gradient of a matrix, which passes add to. */
  public Tile gradient() {
    return gradient;
  }

  /**
   * Returns the elements of a vector, not to be changed; another array after each change, since
   * lanes remember whose elements they have converted.
   */
  public double[] vector() {
    return vector;
  }

  /** Returns the gradient of a vector, which passes add to; one thread at a time. */
  public double[] vectorGradient() {
    return vectorGradient;
  }

  @Override
  public int rows() {
    return isMatrix() ? value.rows() : 1;
  }

  @Override
  public int columns() {
    return isMatrix() ? value.columns() : vector.length;
  }

  @Override
  public void read(int row, double[] into) {
    if (isMatrix()) {
      valueRows.readWide(0, row, 0, into);
    } else {
      System.arraycopy(vector, 0, into, 0, vector.length);
    }
  }

  @Override
  public void write(int row, double[] from) {
    if (isMatrix()) {
      valueRows.writeWide(0, row, 0, from);
      return;
    }
    double[] changed = Arrays.copyOf(from, vector.length);
    for (int i = 0; type == ElementType.FLOAT32 && i < changed.length; i++) {
      changed[i] = (float) changed[i];
    }
    vector = changed;
  }

  /** Takes the elements of a matrix. */
  public void take(MatrixSource source) {
    double[] row = new double[source.columns()];
    for (int i = 0; i < source.rows(); i++) {
      source.read(i, row);
      write(i, row);
    }
  }

  /** Returns the elements of a matrix as they are now. */
  public MatrixSource source() {
    return new MatrixSource() {
      @Override
      public int rows() {
        return value.rows();
      }

      @Override
      public int columns() {
        return value.columns();
      }

      @Override
      public void read(int row, float[] into) {
        valueRows.readNarrow(0, row, 0, into);
      }

      @Override
      public void read(int row, double[] into) {
        valueRows.readWide(0, row, 0, into);
      }
    };
  }
}
