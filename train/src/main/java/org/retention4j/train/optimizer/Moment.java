package org.retention4j.train.optimizer;

import org.retention4j.engine.ops.RowView;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * What an optimizer remembers of a parameter, of its shape.
 *
 * @param kind behind the parameter's name
 */
record Moment(Parameter of, String kind, RowView view) implements TrainedTensor {
  @Override
  public String name() {
    return of.name() + "." + kind;
  }

  @Override
  public int rows() {
    return of.rows();
  }

  @Override
  public int columns() {
    return of.columns();
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
