package org.retention4j.checkpoint.internal.family;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.LmHead;

/**
 * A family of checkpoints: how its configuration is read and how its tensors are named.
 *
 * @since 0.1
 */
public interface Family {
  /** Returns its name. */
  String name();

  /** Returns the kinds of mixers that it describes. */
  List<String> mixers();

  /** Returns how far its models, logits and states, may be from float64. */
  default double bound(ElementType type) {
    return Bounds.model(type);
  }

  /** Returns keys of its own that say nothing of the mathematics, or not in every model. */
  default Set<String> harmless() {
    return Set.of();
  }

  /** Returns the shape that a configuration describes. */
  DecoderConfig config(ConfigKeys keys);

  /**
   * Returns the tensors that a configuration asks for, in the order in which they are written.
   *
   * @param present what files hold, for some tensors have two names
   */
  List<ExpectedTensor> tensors(DecoderConfig config, TensorNames present);

  /** Packs all weights. */
  LanguageModel load(DecoderConfig config, Weights weights);

  /** Returns the weight of the embedding's norm (D), empty without. */
  default Optional<double[]> embeddingNorm(DecoderConfig config, Weights weights) {
    return Optional.empty();
  }

  /** Packs the final norm and the output matrix. */
  LmHead head(DecoderConfig config, Weights weights);

  /** Packs one layer's weights. */
  DecoderLayer layer(DecoderConfig config, int index, Weights weights);

  /** Returns the name of the embedding table. */
  String embeddingName(CheckpointFiles files);

  /** Returns whether a tensor is allowed and not needed. */
  boolean ignores(String tensor, DecoderConfig config);

  /**
   * Returns the tensors that must equal the embedding table, element for element, where there are
   * such: those of which it is not known whether they or the table would be taken elsewhere.
   */
  default List<String> copiesOfEmbedding(DecoderConfig config, TensorNames present) {
    return List.of();
  }

  /**
   * Returns the family of a configuration.
   *
   * @throws CheckpointException for another model type
   */
  static Family of(ConfigKeys keys) {
    String type = keys.textOrNull("model_type", null);
    boolean torchscale = TorchscaleFamily.KEYS.stream().anyMatch(keys::names);
    if (!"retnet".equals(type) && !(type == null && torchscale)) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected model_type retnet in %s, got %s",
              keys.where(),
              type == null ? "none" : "\"" + Shown.name(type) + "\""));
    }
    return torchscale ? new TorchscaleFamily() : new FlaFamily();
  }
}
