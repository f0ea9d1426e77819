package org.retention4j.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.nn.Norm;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.WeightSpec;

/**
 * The shape of a stack of decoder layers over frames: vectors of D numbers in the place of tokens.
 *
 * @param layers from the first to the last, all of one width D
 * @param normEps eps of all norms but those within mixers
 * @param finalNorm the norm behind the last layer, empty for none
 * @since 0.1
 */
public record StackConfig(
    List<LayerConfig> layers, double normEps, Optional<NormConfig> finalNorm) {
  /** Checks that the parts fit together. */
  public StackConfig {
    Args.present("layers", layers).forEach(layer -> Args.present("a layer", layer));
    Args.present("final norm", finalNorm);
    layers = List.copyOf(layers);
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("expected at least 1 layer, got none");
    }
    for (int i = 1; i < layers.size(); i++) {
      if (layers.get(i).modelWidth() != layers.get(0).modelWidth()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected layer %d of width %d, the first layer's, got %d",
                i,
                layers.get(0).modelWidth(),
                layers.get(i).modelWidth()));
      }
    }
    if (!(normEps >= 0) || Double.isInfinite(normEps)) {
      throw new IllegalArgumentException("expected a finite normEps >= 0, got " + normEps);
    }
  }

  /** Returns layers with eps 1e-6 and a final norm as the last layer's. */
  public static StackConfig of(List<LayerConfig> layers) {
    Args.present("layers", layers).forEach(layer -> Args.present("a layer", layer));
    Optional<NormConfig> norm =
        layers.isEmpty() ? Optional.empty() : Optional.of(layers.get(layers.size() - 1).norm());
    return new StackConfig(layers, 1e-6, norm);
  }

  /** Returns this stack without a final norm. */
  public StackConfig withoutFinalNorm() {
    return new StackConfig(layers, normEps, Optional.empty());
  }

  /** Returns D. */
  public int modelWidth() {
    return layers.get(0).modelWidth();
  }

  /** Returns the prefix of the names of a layer's weights: "layers.0." for the first. */
  static String layer(int index) {
    return "layers." + index + ".";
  }

  /**
   * Returns the weights in the order in which they are asked for. Those of layer i begin with
   * "layers.i.": "mixer norm", the mixer's own ({@code MixerConfig.weights}), "feed-forward norm",
   * "feed-forward gate", "feed-forward up", "feed-forward down"; biases have the name of what they
   * belong to and " bias". Behind the layers stands "norm".
   */
  public List<WeightSpec> weights() {
    List<WeightSpec> all = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      LayerConfig layer = layers.get(i);
      List<WeightSpec> own =
          new ArrayList<>(Norm.weights(layer.norm(), DecoderStack.MIXER_NORM, modelWidth()));
      own.addAll(layer.mixer().weights());
      own.addAll(Norm.weights(layer.norm(), DecoderStack.FEED_FORWARD_NORM, modelWidth()));
      layer.feedForward().weights().stream()
          .map(weight -> weight.within(DecoderStack.FEED_FORWARD))
          .forEach(own::add);
      String prefix = layer(i);
      own.forEach(weight -> all.add(weight.within(prefix)));
    }
    finalNorm.ifPresent(norm -> all.addAll(Norm.weights(norm, "norm", modelWidth())));
    return all;
  }

  /** Returns the number of weights. */
  public long parameters() {
    return weights().stream().mapToLong(WeightSpec::elements).sum();
  }
}
