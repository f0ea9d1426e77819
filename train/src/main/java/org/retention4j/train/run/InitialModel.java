package org.retention4j.train.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.Norm;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/** A model to begin with: matrices normal with a deviation of 0.02, norms 1, biases 0. */
final class InitialModel {
  private static final double DEVIATION = 0.02;

  private InitialModel() {}

  /** Returns the model of a seed; it is the caller's to close. */
  static LanguageModel of(Engine engine, DecoderConfig config, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    WeightSource source =
        WeightSource.of(engine, WeightType.FLOAT32, weight -> numbers(weight, seeds.nextLong()));
    int d = config.modelWidth();
    MatrixSource table = normal(seeds.nextLong(), config.vocabulary(), d);
    MatrixSource output =
        config.tiedOutput() ? table : normal(seeds.nextLong(), config.vocabulary(), d);
    List<DecoderLayer> layers = new ArrayList<>();
    for (LayerConfig layer : config.layers()) {
      Norm norm = Norm.plain(layer.norm(), d, config.normEps());
      layers.add(
          new DecoderLayer(
              engine,
              layer.mixer().create(source),
              FeedForward.of(layer.feedForward(), source),
              norm,
              norm));
    }
    return new LanguageModel(
        engine,
        config,
        engine.newTable(table, WeightType.FLOAT32),
        config.embeddingNorm() ? Optional.of(ones(d)) : Optional.empty(),
        layers,
        new LmHead(engine, ones(d), config.normEps(), engine.pack(output, WeightType.FLOAT32)));
  }

  private static double[] ones(int length) {
    double[] ones = new double[length];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static double[] numbers(WeightSpec weight, long seed) {
    return switch (weight.kind()) {
      case NORM -> ones(Math.toIntExact(weight.elements()));
      case BIAS -> new double[Math.toIntExact(weight.elements())];
      case MATRIX -> normal(seed, Math.toIntExact(weight.elements()));
    };
  }

  /** The algorithm of Random's normal numbers is part of its specification. */
  private static double[] normal(long seed, int count) {
    Random random = new Random(seed);
    double[] numbers = new double[count];
    Arrays.setAll(numbers, i -> (float) (DEVIATION * random.nextGaussian()));
    return numbers;
  }

  private static MatrixSource normal(long seed, int rows, int columns) {
    double[] numbers = normal(seed, Math.multiplyExact(rows, columns));
    return new MatrixSource() {
      @Override
      public int rows() {
        return rows;
      }

      @Override
      public int columns() {
        return columns;
      }

      @Override
      public void read(int row, float[] into) {
        for (int i = 0; i < columns; i++) {
          into[i] = (float) numbers[row * columns + i];
        }
      }

      @Override
      public void read(int row, double[] into) {
        System.arraycopy(numbers, row * columns, into, 0, columns);
      }
    };
  }
}
