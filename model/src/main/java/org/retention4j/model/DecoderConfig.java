package org.retention4j.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.retention4j.args.Args;

/**
 * The shape of a decoder: embedding, layers, final norm, output matrix. The layers' mixers make it
 * a RetNet, a Transformer or a hybrid.
 *
 * @param vocabulary number of tokens
 * @param modelWidth D
 * @param layers from the first to the last
 * @param normEps eps of the layers' norms, of the final norm and of the embedding's
 * @param embeddingScale what embeddings are multiplied with, 1 or √D
 * @param embeddingNorm whether an RMSNorm follows the embedding
 * @param tiedOutput whether the output matrix is the embedding table
 * @since 0.1
 */
public record DecoderConfig(
    int vocabulary,
    int modelWidth,
    List<LayerConfig> layers,
    double normEps,
    double embeddingScale,
    boolean embeddingNorm,
    boolean tiedOutput) {
  /** Checks that the parts fit together. */
  public DecoderConfig {
    if (vocabulary < 1 || modelWidth < 1) {
      throw new IllegalArgumentException(
          "expected vocabulary >= 1 and modelWidth >= 1, got " + vocabulary + ", " + modelWidth);
    }
    Args.present("layers", layers).forEach(layer -> Args.present("a layer", layer));
    layers = List.copyOf(layers);
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("expected at least 1 layer, got none");
    }
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i).modelWidth() != modelWidth) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected layer %d of width %d, the model's, got %d",
                i,
                modelWidth,
                layers.get(i).modelWidth()));
      }
    }
    if (!(normEps >= 0) || Double.isInfinite(normEps)) {
      throw new IllegalArgumentException("expected a finite normEps >= 0, got " + normEps);
    }
    if (!(embeddingScale > 0) || Double.isInfinite(embeddingScale)) {
      throw new IllegalArgumentException(
          "expected a finite embeddingScale > 0, got " + embeddingScale);
    }
  }

  /** Returns a decoder with plain embeddings, an output matrix of its own and eps 1e-6. */
  public static DecoderConfig of(int vocabulary, int modelWidth, List<LayerConfig> layers) {
    return new DecoderConfig(vocabulary, modelWidth, layers, 1e-6, 1, false, false);
  }

  /** Returns {@code count} layers that are all alike. */
  public static List<LayerConfig> uniform(int count, LayerConfig layer) {
    return Collections.nCopies(count, layer);
  }

  /** Returns layers of which every k-th, the last of each k, is another. */
  public static List<LayerConfig> everyKth(int count, LayerConfig usual, int k, LayerConfig other) {
    if (k < 1) {
      throw new IllegalArgumentException("expected k >= 1, got " + k);
    }
    List<LayerConfig> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      layers.add((i + 1) % k == 0 ? other : usual);
    }
    return layers;
  }

  /**
   * Returns layers of which those at some indices, counted from 0, are another.
   *
   * @throws IllegalArgumentException for an index that is not a layer
   */
  public static List<LayerConfig> atIndices(
      int count, LayerConfig usual, Set<Integer> indices, LayerConfig other) {
    List<LayerConfig> layers = new ArrayList<>(uniform(count, usual));
    for (int i : indices) {
      if (i < 0 || i >= count) {
        throw new IllegalArgumentException(
            "expected layer indices in 0.." + (count - 1) + ", got " + i);
      }
      layers.set(i, other);
    }
    return layers;
  }

  /** Returns the number of weights; a tied output matrix counts once. */
  public long parameters() {
    long sum = (long) vocabulary * modelWidth * (tiedOutput ? 1 : 2) + modelWidth;
    for (LayerConfig layer : layers) {
      sum += layer.parameters();
    }
    return embeddingNorm ? sum + modelWidth : sum;
  }
}
