package org.retention4j.checkpoint.internal.family;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.WeightSpec;

/**
 * Decoders of the paper's sizes, each with a Transformer of as many weights beside it.
 *
 * @since 0.1
 */
public final class ModelShapes {
  private static final int VOCABULARY = 32_000;
  private static final Map<String, Size> SIZES = new LinkedHashMap<>();

  static {
    SIZES.put("125m", new Size(12, 768, 3, 1024, 6, 2048));
    SIZES.put("350m", new Size(24, 1024, 4, 1536, 8, 2880));
    SIZES.put("1.3b", new Size(24, 2048, 8, 2816, 16, 5504));
    SIZES.put("2.7b", new Size(32, 2560, 10, 3584, 20, 6976));
    SIZES.put("6.7b", new Size(32, 4096, 16, 5632, 32, 11072));
  }

  /** Small ones over bytes, which a plain processor trains in minutes or hours. */
  private static final Map<String, Small> SMALL = new LinkedHashMap<>();

  private static final int BYTES = 256;

  static {
    SMALL.put("ci", new Small(2, 64, 4, 128));
    SMALL.put("xs", new Small(4, 128, 8, 256));
    SMALL.put("s", new Small(4, 256, 8, 512));
    SMALL.put("m", new Small(8, 256, 8, 512));
  }

  private record Small(int layers, int width, int heads, int hidden) {}

  private record Size(
      int layers, int width, int heads, int hidden, int attentionHeads, int attentionHidden) {}

  private ModelShapes() {}

  /** Returns the names, from the smallest to the largest. */
  public static List<String> names() {
    return new ArrayList<>(SIZES.keySet());
  }

  /**
   * Returns a RetNet.
   *
   * @throws IllegalArgumentException for a name that is not in {@link #names()}
   */
  public static DecoderConfig retNet(String name) {
    Size s = size(name);
    LayerConfig layer =
        new LayerConfig(
            RetentionMixerConfig.fla(s.width(), s.heads()), s.hidden(), Activation.SILU);
    return DecoderConfig.of(VOCABULARY, s.width(), DecoderConfig.uniform(s.layers(), layer));
  }

  /** Returns the names of {@link #trained}, from the smallest to the largest. */
  public static List<String> trainedNames() {
    return new ArrayList<>(SMALL.keySet());
  }

  /**
   * Returns a RetNet to be trained from bytes: a vocabulary of 256, the output tied to the
   * embedding, fla's conventions, K = D/H and V = 2K.
   *
   * @throws IllegalArgumentException for a name that is not in {@link #trainedNames()}
   */
  public static DecoderConfig trained(String name) {
    Small s = SMALL.get(name);
    if (s == null) {
      throw new IllegalArgumentException(
          "expected a shape of " + String.join(", ", SMALL.keySet()) + ", got " + name);
    }
    LayerConfig layer =
        new LayerConfig(
            RetentionMixerConfig.fla(s.width(), s.heads()), s.hidden(), Activation.SILU);
    List<LayerConfig> layers = DecoderConfig.uniform(s.layers(), layer);
    return new DecoderConfig(BYTES, s.width(), layers, 1e-6, 1, false, true);
  }

  /** Returns the Transformer of equal size: heads of 128, a wider feed-forward. */
  public static DecoderConfig transformer(String name) {
    Size s = size(name);
    LayerConfig layer =
        new LayerConfig(
            AttentionConfig.multiHead(s.width(), s.attentionHeads()),
            s.attentionHidden(),
            Activation.SILU);
    return DecoderConfig.of(VOCABULARY, s.width(), DecoderConfig.uniform(s.layers(), layer));
  }

  /**
   * Returns the width of a feed-forward beside attention that has as many weights as another layer,
   * 8D² + 3DI against 4D² + 3DI' at the usual widths, rounded down to a multiple of 64.
   */
  public static int equalHidden(LayerConfig layer) {
    long d = layer.modelWidth();
    long matrices =
        layer.mixer().weights().stream()
            .filter(WeightSpec::isMatrix)
            .mapToLong(WeightSpec::elements)
            .sum();
    long hidden = layer.hidden() + Math.floorDiv(matrices - 4 * d * d, 3 * d);
    if (hidden < 1) {
      throw new IllegalArgumentException(
          "expected a layer with more weights than attention alone, got " + layer);
    }
    return Math.toIntExact(hidden < 64 ? hidden : hidden / 64 * 64);
  }

  private static Size size(String name) {
    Size size = SIZES.get(name);
    if (size == null) {
      throw new IllegalArgumentException(
          "expected a shape of " + String.join(", ", SIZES.keySet()) + ", got " + name);
    }
    return size;
  }
}
