package org.retention4j.train.pass.retention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.WeightSpec;
import org.retention4j.testkit.Tensors;
import org.retention4j.train.pass.Ends;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * A pass of retention with tiles of its own, on arrays; what layers share is spoilt in between, but
 * for what is rounded to bf16.
 */
final class RetentionRun implements AutoCloseable {
  static final String PREFIX = "layers.0.mixer.";

  final Parameters parameters;
  final RetentionPass pass;
  private final Buffers owner;
  private final Scratch kept;
  private final Scratch shared;
  private final Ends ends;

  RetentionRun(
      Engine engine,
      RetentionConfig config,
      RetentionForm form,
      int batch,
      int tokens,
      int groups) {
    this(engine, config, form, batch, tokens, groups, false);
  }

  RetentionRun(
      Engine engine,
      RetentionConfig config,
      RetentionForm form,
      int batch,
      int tokens,
      int groups,
      boolean bf16) {
    owner = engine.newBuffers();
    kept = bf16 ? engine.newScratch() : new Recorded(engine.newScratch());
    shared = bf16 ? engine.newScratch() : new Recorded(engine.newScratch());
    PassContext context =
        new PassContext(engine, owner, kept, shared, batch, tokens, groups, form, bf16);
    parameters = new Parameters(engine, owner);
    parameters.add(PREFIX, config.weights());
    Tile[] tiles = new Tile[4];
    Arrays.setAll(tiles, i -> owner.tile(context.rows(), config.modelWidth()));
    tiles[0] = context.operand(kept, config.modelWidth());
    ends = new Ends(tiles[0], tiles[1], tiles[2], tiles[3]);
    pass = new RetentionPass(context, config, parameters, PREFIX, ends);
  }

  /** Remembers what it gave out. */
  private record Recorded(Scratch scratch, List<Tile> tiles) implements Scratch {
    Recorded(Scratch scratch) {
      this(scratch, new ArrayList<>());
    }

    @Override
    public Tile tile(int rows, int columns) {
      Tile tile = scratch.tile(rows, columns);
      tiles.add(tile);
      return tile;
    }

    static void spoil(Scratch scratch) {
      if (scratch instanceof Recorded recorded) {
        recorded.spoil();
      }
    }

    private void spoil() {
      for (Tile tile : tiles) {
        double[] row = new double[tile.columns()];
        Arrays.fill(row, Double.NaN);
        for (int i = 0; i < tile.rows(); i++) {
          tile.asRows(tile.rows(), tile.columns()).writeWide(0, i, 0, row);
        }
      }
    }

    @Override
    public void rewind() {
      scratch.rewind();
    }

    @Override
    public long bytes() {
      return scratch.bytes();
    }

    @Override
    public void close() {
      scratch.close();
    }
  }

  /** A segment of streams that all begin, or all go on. */
  static Segment segment(int batch, Resets starts, boolean fresh, boolean carry) {
    boolean[] all = new boolean[batch];
    Arrays.fill(all, fresh);
    return new Segment(0, starts, all, carry);
  }

  /** Returns weights by name, drawn. */
  static Map<String, double[]> draw(RetentionConfig config, long seed) {
    Random random = new Random(seed);
    Map<String, double[]> all = new LinkedHashMap<>();
    for (WeightSpec spec : config.weights()) {
      double[] values = new double[(int) spec.elements()];
      for (int i = 0; i < values.length; i++) {
        double z = random.nextGaussian();
        values[i] =
            (float)
                switch (spec.kind()) {
                  case MATRIX -> z / Math.sqrt(spec.columns());
                  case NORM -> 1 + 0.3 * z;
                  case BIAS -> 0.5 * z;
                };
      }
      all.put(spec.name(), values);
    }
    return all;
  }

  /** Returns them as the reference takes them. */
  static RetentionParameters reference(RetentionConfig config, Map<String, double[]> weights) {
    Map<String, INDArray> matrices = new LinkedHashMap<>();
    Map<String, double[]> vectors = new LinkedHashMap<>();
    for (WeightSpec spec : config.weights()) {
      double[] values = weights.get(spec.name());
      if (spec.isMatrix()) {
        matrices.put(spec.name(), Tensors.of(values, DataType.DOUBLE, spec.rows(), spec.columns()));
      } else {
        vectors.put(spec.name(), values);
      }
    }
    return new RetentionParameters(
        matrices.get(RetentionConfig.QUERY),
        matrices.get(RetentionConfig.KEY),
        matrices.get(RetentionConfig.VALUE),
        java.util.Optional.ofNullable(matrices.get(RetentionConfig.GATE)),
        matrices.get(RetentionConfig.OUTPUT),
        vectors);
  }

  RetentionRun weights(Map<String, double[]> weights) {
    weights.forEach(
        (name, values) -> {
          Parameter parameter = parameters.get(PREFIX + name);
          int columns = parameter.columns();
          for (int row = 0; row < parameter.rows(); row++) {
            parameter.write(row, Arrays.copyOfRange(values, row * columns, (row + 1) * columns));
          }
        });
    return this;
  }

  /** Returns y (B,T,D). */
  double[] forward(double[] x, Segment segment) {
    Recorded.spoil(kept);
    Recorded.spoil(shared);
    write(ends.x(), x);
    pass.forward(segment);
    return read(ends.y());
  }

  /** Returns dx (B,T,D); gradients of the weights begin at 0. */
  double[] backward(double[] dy, Segment segment) {
    Recorded.spoil(shared);
    write(ends.dy(), dy);
    for (Parameter parameter : parameters.list()) {
      Arrays.fill(parameter.vectorGradient(), 0);
      if (parameter.isMatrix()) {
        write(parameter.gradient(), new double[parameter.rows() * parameter.columns()]);
      }
    }
    pass.backward(segment);
    return read(ends.dx());
  }

  /** Returns the gradients of the weights by name, and of x. */
  Map<String, double[]> gradients(double[] dy, Segment segment) {
    Map<String, double[]> all = new LinkedHashMap<>();
    all.put("x", backward(dy, segment));
    for (Parameter parameter : parameters.list()) {
      all.put(
          parameter.name().substring(PREFIX.length()),
          parameter.isMatrix() ? read(parameter.gradient()) : parameter.vectorGradient().clone());
    }
    return all;
  }

  /** Returns a carried tensor, row after row. */
  double[] carried(int index) {
    TrainedTensor tensor = pass.carried().get(index);
    double[] all = new double[tensor.rows() * tensor.columns()];
    double[] row = new double[tensor.columns()];
    for (int i = 0; i < tensor.rows(); i++) {
      tensor.read(i, row);
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  /** Sets a carried tensor. */
  void carry(int index, double[] values) {
    TrainedTensor tensor = pass.carried().get(index);
    int columns = tensor.columns();
    for (int i = 0; i < tensor.rows(); i++) {
      tensor.write(i, Arrays.copyOfRange(values, i * columns, (i + 1) * columns));
    }
  }

  private static void write(Tile tile, double[] values) {
    for (int i = 0; i < tile.rows(); i++) {
      int at = i * tile.columns();
      tile.asRows(tile.rows(), tile.columns())
          .writeWide(0, i, 0, Arrays.copyOfRange(values, at, at + tile.columns()));
    }
  }

  private static double[] read(Tile tile) {
    double[] all = new double[tile.rows() * tile.columns()];
    double[] row = new double[tile.columns()];
    for (int i = 0; i < tile.rows(); i++) {
      tile.asRows(tile.rows(), tile.columns()).readWide(0, i, 0, row);
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  @Override
  public void close() {
    kept.close();
    shared.close();
    owner.close();
  }
}
