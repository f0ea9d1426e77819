package org.retention4j.train.pass;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.nn.WeightSpec;

/**
 * An engine with what a pass is bound to, filled with seeded numbers that are fp32 in either type.
 */
public final class PassFixture implements AutoCloseable {
  /** The name of the input among the gradients. */
  public static final String X = "x";

  public final Engine engine;
  public final PassContext context;
  public final Parameters parameters;
  public final Ends ends;
  private final Buffers owner;
  private final Scratch kept;
  private final Scratch shared;
  private final String prefix;
  private final List<WeightSpec> weights;

  public PassFixture(
      ElementType type,
      int lanes,
      int batch,
      int tokens,
      int width,
      String prefix,
      List<WeightSpec> weights) {
    this(type, lanes, batch, tokens, width, prefix, weights, false);
  }

  public PassFixture(
      ElementType type,
      int lanes,
      int batch,
      int tokens,
      int width,
      String prefix,
      List<WeightSpec> weights,
      boolean bf16) {
    engine = Engine.create(type, lanes, ComputeRoute.PLAIN);
    owner = engine.newBuffers();
    kept = engine.newScratch();
    shared = engine.newScratch();
    context = new PassContext(engine, owner, kept, shared, batch, tokens, 1, null, bf16);
    this.prefix = prefix;
    this.weights = weights;
    parameters = new Parameters(engine, owner);
    parameters.add(prefix, weights);
    int rows = batch * tokens;
    ends = new Ends(tile(rows, width), tile(rows, width), tile(rows, width), tile(rows, width));
    for (WeightSpec weight : weights) {
      write(weight.name(), numbers(weight));
    }
    write(ends.x(), random(rows, width, 1, 11));
    write(ends.dy(), random(rows, width, 1, 12));
    write(ends.dx(), random(rows, width, 1, 13));
  }

  private Tile tile(int rows, int columns) {
    return owner.tile(rows, columns);
  }

  private static double[][] numbers(WeightSpec weight) {
    int rows = weight.isMatrix() ? (int) weight.rows() : 1;
    int columns = weight.isMatrix() ? (int) weight.columns() : (int) weight.rows();
    double spread = weight.isMatrix() ? 1.5 / Math.sqrt(columns) : 0.3;
    return random(rows, columns, spread, weight.name().hashCode());
  }

  public static double[][] random(int rows, int columns, double spread, long seed) {
    Random random = new Random(seed);
    double[][] all = new double[rows][columns];
    for (double[] row : all) {
      for (int j = 0; j < columns; j++) {
        row[j] = (float) (spread * random.nextGaussian());
      }
    }
    return all;
  }

  /** Sets a weight by its name in the part; a vector is one row. */
  public void write(String name, double[][] rows) {
    for (int i = 0; i < rows.length; i++) {
      parameters.get(prefix + name).write(i, rows[i]);
    }
  }

  public static void write(Tile tile, double[][] rows) {
    for (int i = 0; i < rows.length; i++) {
      tile.asRows(tile.rows(), tile.columns()).writeWide(0, i, 0, rows[i]);
    }
  }

  public static double[][] read(Tile tile) {
    double[][] rows = new double[tile.rows()][tile.columns()];
    for (int i = 0; i < rows.length; i++) {
      tile.asRows(tile.rows(), tile.columns()).readWide(0, i, 0, rows[i]);
    }
    return rows;
  }

  /** Returns the numbers of the weights, by their names in the part, and of x. */
  public Map<String, double[][]> values() {
    Map<String, double[][]> all = new LinkedHashMap<>();
    for (WeightSpec weight : weights) {
      Parameter parameter = parameters.get(prefix + weight.name());
      all.put(
          weight.name(),
          weight.isMatrix()
              ? read(parameter.value())
              : new double[][] {parameter.vector().clone()});
    }
    all.put(X, read(ends.x()));
    return all;
  }

  /** Returns the gradients as they are now, by the same names. */
  public Map<String, double[][]> gradients() {
    Map<String, double[][]> all = new LinkedHashMap<>();
    for (WeightSpec weight : weights) {
      Parameter parameter = parameters.get(prefix + weight.name());
      all.put(
          weight.name(),
          weight.isMatrix()
              ? read(parameter.gradient())
              : new double[][] {parameter.vectorGradient().clone()});
    }
    all.put(X, read(ends.dx()));
    return all;
  }

  /** The same mathematics on dual numbers. */
  @FunctionalInterface
  public interface Oracle {
    /** Returns y (B·T,D) of weights and x by name. */
    Dual[][] forward(Map<String, Dual[][]> values);
  }

  /** Holds the gradient of each row of each weight and of x to a random direction's derivative. */
  public void checkGradients(Oracle oracle, double bound) {
    Map<String, double[][]> values = values();
    double[][] dy = read(ends.dy());
    Random random = new Random(5);
    gradients()
        .forEach(
            (name, gradient) -> {
              double worst = 0;
              double largest = 0;
              for (int i = 0; i < gradient.length; i++) {
                double[] direction = random.doubles(gradient[i].length, -1, 1).toArray();
                Dual[] row = new Dual[direction.length];
                double own = 0;
                for (int j = 0; j < row.length; j++) {
                  row[j] = new Dual(values.get(name)[i][j], direction[j]);
                  own += gradient[i][j] * direction[j];
                }
                double exact = derivative(oracle, values, name, i, row, dy);
                worst = Math.max(worst, Math.abs(own - exact));
                largest = Math.max(largest, Math.abs(exact));
              }
              assertThat(worst).as(name).isLessThanOrEqualTo(bound * Math.max(largest, 1e-3));
            });
  }

  private static double derivative(
      Oracle oracle,
      Map<String, double[][]> values,
      String name,
      int changed,
      Dual[] row,
      double[][] dy) {
    Map<String, Dual[][]> duals = new LinkedHashMap<>();
    values.forEach((key, numbers) -> duals.put(key, Dual.of(numbers)));
    duals.get(name)[changed] = row;
    Dual[][] y = oracle.forward(duals);
    double sum = 0;
    for (int t = 0; t < dy.length; t++) {
      for (int j = 0; j < dy[t].length; j++) {
        sum += y[t][j].d() * dy[t][j];
      }
    }
    return sum;
  }

  /** Holds y to the oracle's. */
  public void checkOutput(Oracle oracle, double bound) {
    Map<String, Dual[][]> duals = new LinkedHashMap<>();
    values().forEach((key, numbers) -> duals.put(key, Dual.of(numbers)));
    Dual[][] expected = oracle.forward(duals);
    double[][] numbers = new double[expected.length][];
    for (int t = 0; t < numbers.length; t++) {
      numbers[t] = Arrays.stream(expected[t]).mapToDouble(Dual::v).toArray();
    }
    double error = distance(read(ends.y()), numbers);
    assertThat(error).as("y").isLessThanOrEqualTo(bound);
  }

  /** Returns ‖a − b‖ / ‖b‖. */
  public static double distance(double[][] a, double[][] b) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < b.length; i++) {
      for (int j = 0; j < b[i].length; j++) {
        difference += Math.pow(a[i][j] - b[i][j], 2);
        norm += Math.pow(b[i][j], 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  @Override
  public void close() {
    kept.close();
    shared.close();
    owner.close();
    engine.close();
  }
}
