package org.retention4j.checkpoint;

import java.util.List;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.LmHead;

/** A family of checkpoints: how its configuration is read and how its tensors are named. */
interface Family {
  /** What files hold. */
  interface Present {
    /** Nothing: each tensor has the name under which it is written. */
    Present NOTHING = (name, rows) -> false;

    /**
     * Returns whether there is such a tensor.
     *
     * @param rows of how many rows, or {@link #ANY} of them
     */
    boolean test(String name, long rows);

    /** Any number of rows. */
    long ANY = -1;

    /** Returns whether there is a tensor of that name. */
    default boolean has(String name) {
      return test(name, ANY);
    }
  }

  /** Returns its name. */
  String name();

  /** Returns the kinds of mixers that it describes. */
  List<String> mixers();

  /** Returns how far its models, logits and states, may be from float64. */
  default double bound(ElementType type) {
    return Bounds.model(type);
  }

  /** Returns the shape that a configuration describes. */
  DecoderConfig config(ConfigKeys keys);

  /**
   * Returns the tensors that a configuration asks for, in the order in which they are written.
   *
   * @param present what files hold, for some tensors have two names
   */
  List<ExpectedTensor> tensors(DecoderConfig config, Present present);

  /** Packs all weights. */
  LanguageModel load(DecoderConfig config, WeightReader reader);

  /** Returns the weight of the embedding's norm (D), or null without. */
  default double[] embeddingNorm(DecoderConfig config, WeightReader reader) {
    return null;
  }

  /** Packs the final norm and the output matrix. */
  LmHead head(DecoderConfig config, WeightReader reader);

  /** Packs one layer's weights. */
  DecoderLayer layer(DecoderConfig config, int index, WeightReader reader);

  /** Returns the name of the embedding table. */
  String embeddingName(CheckpointFiles files);

  /** Returns whether a tensor is allowed and not needed. */
  boolean ignores(String tensor, DecoderConfig config);

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
              "expected model_type retnet in %s, got %s",
              keys.where(), type == null ? "none" : "\"" + Shown.name(type) + "\""));
    }
    return torchscale ? new TorchscaleFamily() : new FlaFamily();
  }
}
