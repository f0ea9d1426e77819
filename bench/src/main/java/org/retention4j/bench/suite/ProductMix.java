package org.retention4j.bench.suite;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.ProductCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.engine.Engine;

/** The bare products of a whole layer, one after another, to run beside the layer itself. */
final class ProductMix implements AutoCloseable {
  private static final int ROWS = 512;

  private final List<Matrix> matrices;
  private final Map<Matrix, BareWork> works = new HashMap<>();

  ProductMix(Engine engine, List<Matrix> matrices) {
    this.matrices = matrices;
    ProductCeiling product = new ProductCeiling(engine, false);
    for (Matrix m : matrices) {
      works.computeIfAbsent(m, k -> product.onLanes(ROWS, k.inputs(), k.outputs()));
    }
  }

  List<Matrix> matrices() {
    return matrices;
  }

  double flops() {
    return matrices.stream().mapToDouble(m -> works.get(m).amount()).sum();
  }

  Contender timed() {
    return new Contender("bare products", this::run);
  }

  private void run() {
    for (Matrix m : matrices) {
      works.get(m).run(true);
    }
  }

  @Override
  public void close() {
    works.values().forEach(BareWork::close);
  }
}
