package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.bench.measure.Formulas;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.model.AttentionConfig;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;

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
    List<int[]> all = new ArrayList<>();
    double core;
    int d = layer.modelWidth();
    if (layer.retains()) {
      RetentionConfig c = layer.retention();
      int values = c.heads() * c.valueWidth();
      all.add(new int[] {d, c.heads() * c.keyWidth()});
      all.add(new int[] {d, c.kvHeads() * c.keyWidth()});
      all.add(new int[] {d, c.kvHeads() * c.valueWidth()});
      if (c.gate()) {
        all.add(new int[] {d, values});
      }
      all.add(new int[] {values, d});
      double f = (double) c.valueWidth() / c.keyWidth();
      int chunk = Math.min(ChunkwiseForm.DEFAULT_CHUNK, tokens);
      core =
          (double) tokens
              * c.heads()
              * c.keyWidth()
              * Formulas.chunkwiseUnits(chunk, f, c.keyWidth(), 1);
    } else {
      AttentionConfig c = layer.attention();
      int keys = c.kvHeads() * c.headWidth();
      all.add(new int[] {d, c.heads() * c.headWidth()});
      all.add(new int[] {d, keys});
      all.add(new int[] {d, keys});
      all.add(new int[] {c.heads() * c.headWidth(), d});
      core = Formulas.attentionCoreFlops(tokens, c.heads(), c.headWidth());
    }
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {d, layer.hidden()});
    all.add(new int[] {layer.hidden(), d});
    return new LayerWork(all, tokens, core);
  }

  /** Returns the FLOPs of the products with weights. */
  double products() {
    return matrices.stream().mapToDouble(m -> 2.0 * tokens * m[0] * m[1]).sum();
  }
}
