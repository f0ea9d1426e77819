package org.retention4j.train.pass.retention;

import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.train.tensor.TrainedTensor;

/** A tile as what training changes. */
record TileTensor(String name, Tile tile, RowView view) implements TrainedTensor {
  static TileTensor of(String name, Tile tile) {
    return new TileTensor(name, tile, tile.asRows(tile.rows(), tile.columns()));
  }

  @Override
  public int rows() {
    return tile.rows();
  }

  @Override
  public int columns() {
    return tile.columns();
  }

  @Override
  public void read(int row, double[] into) {
    view.readWide(0, row, 0, into);
  }

  @Override
  public void write(int row, double[] from) {
    view.writeWide(0, row, 0, from);
  }
}
