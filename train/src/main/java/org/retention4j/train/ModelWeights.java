package org.retention4j.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.NamedWeights;
import org.retention4j.nn.Norm;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.stack.ModelNames;

/** Weights from a model to parameters, and back. */
final class ModelWeights {
  private ModelWeights() {}

  /**
   * Copies all weights of a model.
   *
   * @throws IllegalArgumentException for int8 weights
   */
  static void copy(LanguageModel model, Parameters to) {
    DecoderConfig config = model.config();
    copyTable(model.embedding(), to.get(ModelNames.EMBEDDING));
    model.embeddingNorm().ifPresent(norm -> to.get(ModelNames.EMBEDDING_NORM).write(0, norm));
    for (int i = 0; i < config.layers().size(); i++) {
      DecoderLayer layer = model.layers().get(i);
      String prefix = ModelNames.layer(i);
      copyNorm(layer.mixerNorm(), ModelNames.MIXER_NORM, prefix, to);
      copyNorm(layer.feedForwardNorm(), ModelNames.FEED_FORWARD_NORM, prefix, to);
      copyMixer(layer.mixer().weights(), layer.mixer().config().weights(), prefix, to);
      copyFeedForward(layer.feedForward(), prefix + ModelNames.FEED_FORWARD, to);
    }
    to.get(ModelNames.FINAL_NORM).write(0, model.head().norm());
    if (!config.tiedOutput()) {
      copyMatrix(model.head().output(), to.get(ModelNames.OUTPUT));
    }
  }

  private static void copyTable(RowTable table, Parameter to) {
    double[] row = new double[table.columns()];
    for (int i = 0; i < table.rows(); i++) {
      table.read(i, row);
      to.write(i, row);
    }
  }

  private static void copyMatrix(PackedMatrix from, Parameter to) {
    if (from.type() == WeightType.INT8) {
      throw new IllegalArgumentException(
          "expected weights of a floating-point type, which can be trained, got int8 of "
              + to.name());
    }
    to.take(from.unpack());
  }

  private static void copyNorm(Norm norm, String name, String prefix, Parameters to) {
    List<WeightSpec> asked = Norm.weights(norm.config(), name, norm.weight().length);
    to.get(prefix + asked.get(0).name()).write(0, norm.weight());
    if (asked.size() > 1) {
      to.get(prefix + asked.get(1).name()).write(0, norm.bias());
    }
  }

  private static void copyMixer(
      NamedWeights from, List<WeightSpec> asked, String prefix, Parameters to) {
    for (WeightSpec weight : asked) {
      Parameter parameter = to.get(prefix + ModelNames.MIXER + weight.name());
      if (weight.isMatrix()) {
        copyMatrix(from.matrix(weight.name()), parameter);
      } else {
        parameter.write(0, from.vector(weight.name()));
      }
    }
  }

  private static void copyFeedForward(FeedForward from, String prefix, Parameters to) {
    for (WeightSpec weight : from.shape().weights()) {
      Parameter parameter = to.get(prefix + weight.name());
      switch (weight.name()) {
        case "gate" -> copyMatrix(from.gate(), parameter);
        case "up" -> copyMatrix(from.up(), parameter);
        case "down" -> copyMatrix(from.down(), parameter);
        case "gate bias" -> parameter.write(0, from.gateBias());
        case "up bias" -> parameter.write(0, from.upBias());
        case "down bias" -> parameter.write(0, from.downBias());
        default -> throw new AssertionError(weight);
      }
    }
  }

  /** Returns a model of the weights as they are, in the engine's type. */
  static LanguageModel model(DecoderConfig config, Parameters from) {
    Engine engine = from.engine();
    WeightType type =
        engine.type() == ElementType.FLOAT64 ? WeightType.FLOAT64 : WeightType.FLOAT32;
    List<DecoderLayer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers().size(); i++) {
      layers.add(layer(engine, config, i, from));
    }
    MatrixSource table = from.get(ModelNames.EMBEDDING).source();
    MatrixSource output = config.tiedOutput() ? table : from.get(ModelNames.OUTPUT).source();
    Optional<double[]> norm =
        config.embeddingNorm()
            ? Optional.of(from.get(ModelNames.EMBEDDING_NORM).vector().clone())
            : Optional.empty();
    double[] finalNorm = from.get(ModelNames.FINAL_NORM).vector();
    return new LanguageModel(
        engine,
        config,
        engine.newTable(table, type.tableType()),
        norm,
        layers,
        new LmHead(engine, finalNorm, config.normEps(), engine.pack(output, type)));
  }

  private static DecoderLayer layer(
      Engine engine, DecoderConfig config, int index, WeightSource from) {
    LayerConfig layer = config.layers().get(index);
    WeightSource own = from.part(ModelNames.layer(index));
    int width = config.modelWidth();
    double eps = config.normEps();
    return new DecoderLayer(
        engine,
        layer.mixer().create(own.part(ModelNames.MIXER)),
        FeedForward.of(layer.feedForward(), own.part(ModelNames.FEED_FORWARD)),
        Norm.take(layer.norm(), ModelNames.MIXER_NORM, width, eps, own),
        Norm.take(layer.norm(), ModelNames.FEED_FORWARD_NORM, width, eps, own));
  }
}
