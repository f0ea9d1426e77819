package org.retention4j.bench.training;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.ProductCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.engine.Engine;
import org.retention4j.nn.WeightSpec;

/**
 * The bare products of a step, three for each matrix (out,in) of the model: x·Wᵀ, dY·W and dYᵀ·x,
 * each in the faster of two ways that were tried before. What a step is held to.
 */
final class StepProducts implements AutoCloseable {
  /** Tokens at once at most: more of them are no faster. */
  private static final int MOST_TOKENS = 2048;

  private static final Sampler.Plan TRIAL = new Sampler.Plan(0, 2, 1);

  private final List<BareWork> works = new ArrayList<>();
  private final List<Integer> counts = new ArrayList<>();

  /** y (rows,outputs) ← x (rows,inputs) · (inputs,outputs). */
  private record Size(int rows, int inputs, int outputs) {}

  /**
   * Tries the ways and keeps the better of each.
   *
   * @param tokens B·T of a step
   */
  StepProducts(Engine engine, List<WeightSpec> matrices, int tokens) {
    ProductCeiling ceiling = new ProductCeiling(engine, false);
    int m = Math.min(MOST_TOKENS, tokens);
    sizes(matrices, m)
        .forEach(
            (size, count) -> {
              works.add(best(ceiling.ways(size.rows(), size.inputs(), size.outputs())));
              counts.add(count);
            });
  }

  private static Map<Size, Integer> sizes(List<WeightSpec> matrices, int m) {
    Map<Size, Integer> sizes = new LinkedHashMap<>();
    for (WeightSpec matrix : matrices) {
      int out = Math.toIntExact(matrix.rows());
      int in = Math.toIntExact(matrix.columns());
      sizes.merge(new Size(m, in, out), 1, Integer::sum);
      sizes.merge(new Size(m, out, in), 1, Integer::sum);
      sizes.merge(new Size(out, m, in), 1, Integer::sum);
    }
    return sizes;
  }

  private static BareWork best(List<Supplier<BareWork>> ways) {
    List<BareWork> opened = ways.stream().map(Supplier::get).toList();
    BareWork best =
        opened.stream().min(Comparator.comparingDouble(StepProducts::fastest)).orElseThrow();
    opened.stream().filter(work -> work != best).forEach(BareWork::close);
    return best;
  }

  /** The second run is warm. */
  private static double fastest(BareWork work) {
    return Sampler.measure(new Contender(work.name(), () -> work.run(true)), TRIAL).stepQuantile(0);
  }

  /** Returns the operations of a run. */
  double flops() {
    double sum = 0;
    for (int i = 0; i < works.size(); i++) {
      sum += counts.get(i) * works.get(i).amount();
    }
    return sum;
  }

  Contender timed() {
    return new Contender("bare products", this::run);
  }

  private void run() {
    for (int i = 0; i < works.size(); i++) {
      for (int n = 0; n < counts.get(i); n++) {
        works.get(i).run(true);
      }
    }
  }

  @Override
  public void close() {
    works.forEach(BareWork::close);
  }
}
