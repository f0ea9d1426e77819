package org.retention4j.model;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.Norm;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.WeightSpec;
import org.retention4j.snapshot.Fingerprint;

/**
 * Digests what changes a model's results: configuration and weights, as it multiplies with them,
 * whatever multiplies. The texts digested stay the same from version to version: snapshots that
 * were written years ago are held to them.
 */
final class ModelFingerprint {
  private ModelFingerprint() {}

  static Fingerprint of(LanguageModel model) {
    DecoderConfig config = model.config();
    Fingerprint.Digest digest =
        Fingerprint.digest()
            .add(
                String.format(
                    Locale.ROOT,
                    "decoder vocabulary=%d width=%d eps=%s scale=%s embedding_norm=%s tied=%s",
                    config.vocabulary(),
                    config.modelWidth(),
                    config.normEps(),
                    config.embeddingScale(),
                    config.embeddingNorm(),
                    config.tiedOutput()));
    add(digest, model.embedding());
    model.embeddingNorm().ifPresent(norm -> digest.add(norm, norm.length));
    add(digest, config.layers(), model.layers());
    digest.add(model.head().norm(), model.head().norm().length);
    add(digest, model.head().output());
    return digest.end();
  }

  static Fingerprint of(StackConfig config, List<DecoderLayer> layers, Optional<Norm> last) {
    Fingerprint.Digest digest =
        Fingerprint.digest()
            .add("stack width=" + config.modelWidth() + " eps=" + config.normEps())
            .add(config.finalNorm().map(ModelFingerprint::word).orElse("none"));
    add(digest, config.layers(), layers);
    last.ifPresent(norm -> add(digest, norm));
    return digest.end();
  }

  private static String word(NormConfig norm) {
    return norm.kind().name().toLowerCase(Locale.ROOT) + (norm.bias() ? " bias" : "");
  }

  private static void add(
      Fingerprint.Digest digest, List<LayerConfig> configs, List<DecoderLayer> layers) {
    for (int i = 0; i < layers.size(); i++) {
      LayerConfig config = configs.get(i);
      DecoderLayer layer = layers.get(i);
      digest.add(
          String.format(
              Locale.ROOT,
              "layer norm=%s hidden=%d activation=%s gated=%s bias=%s",
              word(config.norm()),
              config.hidden(),
              config.activation().name(),
              config.gated(),
              config.feedForwardBias()));
      digest.add(config.mixer().identity());
      add(digest, layer.mixerNorm());
      add(digest, layer.mixer());
      add(digest, layer.feedForwardNorm());
      add(digest, layer.feedForward());
    }
  }

  private static void add(Fingerprint.Digest digest, Norm norm) {
    digest.add(norm.weight(), norm.weight().length);
    digest.add(norm.bias(), norm.bias().length);
  }

  private static void add(Fingerprint.Digest digest, TokenMixer mixer) {
    for (WeightSpec weight : mixer.config().weights()) {
      digest.add(weight.name());
      if (weight.isMatrix()) {
        add(digest, mixer.weights().matrix(weight.name()));
      } else {
        double[] vector = mixer.weights().vector(weight.name());
        digest.add(vector, vector.length);
      }
    }
  }

  private static void add(Fingerprint.Digest digest, FeedForward feedForward) {
    if (feedForward.shape().gated()) {
      add(digest, feedForward.gate());
    }
    add(digest, feedForward.up());
    add(digest, feedForward.down());
    for (double[] bias :
        Arrays.asList(feedForward.gateBias(), feedForward.upBias(), feedForward.downBias())) {
      digest.add(bias, bias.length);
    }
  }

  private static void add(Fingerprint.Digest digest, PackedMatrix matrix) {
    MatrixSource rows = matrix.unpack();
    double[] row = new double[rows.columns()];
    for (int i = 0; i < rows.rows(); i++) {
      rows.read(i, row);
      digest.add(row, row.length);
    }
  }

  private static void add(Fingerprint.Digest digest, RowTable table) {
    double[] row = new double[table.columns()];
    for (int i = 0; i < table.rows(); i++) {
      table.read(i, row);
      digest.add(row, row.length);
    }
  }
}
