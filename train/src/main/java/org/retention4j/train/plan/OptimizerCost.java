package org.retention4j.train.plan;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.optimizer.Muon;
import org.retention4j.train.optimizer.OptimizerOptions;

/** What an optimizer costs, by formulas. */
public final class OptimizerCost {
  /** Weights, gradients, two moments. */
  private static final int COPIES = 4;

  private OptimizerCost() {}

  /**
   * Returns the numbers, of the engine's type, of weights, gradients and moments; of Muon, which
   * has one moment of the layers' matrices in the place of two, with its workspace.
   */
  public static double numbers(DecoderConfig config, OptimizerOptions options) {
    double sum = (double) COPIES * config.parameters();
    if (options.kind() == OptimizerOptions.Kind.MUON) {
      List<WeightSpec> matrices = matrices(config);
      sum += Muon.workspace(matrices);
      sum -= matrices.stream().mapToDouble(WeightSpec::elements).sum();
    }
    return sum;
  }

  /** Returns the floating-point operations of the products in a step: none of AdamW. */
  public static double flops(DecoderConfig config, OptimizerOptions options) {
    return options.kind() == OptimizerOptions.Kind.MUON
        ? matrices(config).stream().mapToDouble(Muon::flops).sum()
        : 0;
  }

  private static List<WeightSpec> matrices(DecoderConfig config) {
    List<WeightSpec> all = new ArrayList<>();
    for (LayerConfig layer : config.layers()) {
      all.addAll(layer.mixer().weights());
      all.addAll(layer.feedForward().weights());
    }
    all.removeIf(weight -> !weight.isMatrix());
    return all;
  }
}
