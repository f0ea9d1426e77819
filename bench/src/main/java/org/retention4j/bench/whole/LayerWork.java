package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.nn.WeightSpec;

/**
 * The work of a layer over a prompt.
 *
 * @param matrices (in,out) of its products with weights
 * @param tokens T of the prompt
 * @param core FLOPs of its core with α=1
 */
record LayerWork(List<int[]> matrices, int tokens, double core) {
  /** Returns a decoder's layers, those that are alike together, with how many there are. */
  static Map<LayerConfig, Integer> kinds(DecoderConfig config) {
    Map<LayerConfig, Integer> kinds = new LinkedHashMap<>();
    config.layers().forEach(layer -> kinds.merge(layer, 1, Integer::sum));
    return kinds;
  }

  static LayerWork of(LayerConfig layer, int tokens) {
    int d = layer.modelWidth();
    List<int[]> all = new ArrayList<>();
    for (WeightSpec weight : layer.mixer().weights()) {
      if (weight.isMatrix()) {
        all.add(new int[] {(int) weight.columns(), (int) weight.rows()});
      }
    }
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {layer.hidden(), d});
    return new LayerWork(all, tokens, layer.mixer().coreFlops(tokens));
  }

  /** Returns the FLOPs of the products with weights. */
  double products() {
    return matrices.stream().mapToDouble(m -> 2.0 * tokens * m[0] * m[1]).sum();
  }
}
