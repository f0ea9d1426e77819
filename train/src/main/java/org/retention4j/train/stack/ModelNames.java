package org.retention4j.train.stack;

import java.util.List;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.nn.Norm;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;

/** What the parameters of a decoder are called. */
public final class ModelNames {
  /** The embedding table (vocabulary,D), the output matrix too where they are tied. */
  public static final String EMBEDDING = "embedding";

  /** The weight of the norm behind the embedding. */
  public static final String EMBEDDING_NORM = "embedding norm";

  /** The weight of the norm before the output matrix. */
  public static final String FINAL_NORM = "final norm";

  /** The output matrix (vocabulary,D) where it is not the embedding table. */
  public static final String OUTPUT = "output";

  /** Prefix of a mixer's parameters, behind the layer's. */
  public static final String MIXER = "mixer.";

  /** Prefix of a feed-forward's parameters, behind the layer's. */
  public static final String FEED_FORWARD = "feed-forward.";

  /** The norm before the mixer, behind the layer's prefix. */
  public static final String MIXER_NORM = "mixer norm";

  /** The norm before the feed-forward, behind the layer's prefix. */
  public static final String FEED_FORWARD_NORM = "feed-forward norm";

  private ModelNames() {}

  /** Returns the prefix of a layer's parameters. */
  public static String layer(int index) {
    return "layers." + index + ".";
  }

  /** Returns whether a parameter is a matrix of a layer: neither the embedding nor the output. */
  public static boolean isOfLayers(Parameter parameter) {
    return parameter.isMatrix()
        && !parameter.name().equals(EMBEDDING)
        && !parameter.name().equals(OUTPUT);
  }

  /** Makes all parameters of a decoder, zeros yet. */
  static void addAll(DecoderConfig config, Parameters to) {
    int width = config.modelWidth();
    to.add("", List.of(WeightSpec.matrix(EMBEDDING, config.vocabulary(), width)));
    if (config.embeddingNorm()) {
      to.add("", List.of(WeightSpec.norm(EMBEDDING_NORM, width)));
    }
    for (int i = 0; i < config.layers().size(); i++) {
      LayerConfig layer = config.layers().get(i);
      String prefix = layer(i);
      to.add(prefix, Norm.weights(layer.norm(), MIXER_NORM, width));
      to.add(prefix + MIXER, layer.mixer().weights());
      to.add(prefix, Norm.weights(layer.norm(), FEED_FORWARD_NORM, width));
      to.add(prefix + FEED_FORWARD, layer.feedForward().weights());
    }
    to.add("", List.of(WeightSpec.norm(FINAL_NORM, width)));
    if (!config.tiedOutput()) {
      to.add("", List.of(WeightSpec.matrix(OUTPUT, config.vocabulary(), width)));
    }
  }
}
