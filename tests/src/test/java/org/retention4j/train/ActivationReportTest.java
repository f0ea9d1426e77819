package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.tensor.ActivationReport;
import org.retention4j.train.tensor.TrainedTensor;

/** What observed steps tell of their way forth. */
class ActivationReportTest {
  /** Some roundings of float64. */
  private static final double CLOSE = 1e-12;

  private static final int WIDTH = 16;
  private static final int HEADS = 2;
  private static final int VOCABULARY = 11;
  private static final double EPS = 1e-6;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(WIDTH, HEADS), 24, Activation.SILU);

  private static DecoderConfig model(LayerConfig... layers) {
    return new DecoderConfig(VOCABULARY, WIDTH, List.of(layers), EPS, 1, false, false);
  }

  private static ActivationReport observed(
      DecoderConfig config, TrainerOptions options, int lanes, Batch... batches) {
    int rows = batches[0].rows();
    int length = batches[0].length();
    try (Engine engine = Engine.create(ElementType.FLOAT64, lanes, ComputeRoute.PLAIN);
        LanguageModel start = LanguageModel.random(engine, config, WeightType.FLOAT64, 5);
        Trainer trainer =
            Trainer.of(engine, start, rows, length, options.withMicroBatches(batches.length))) {
      trainer.step(List.of(batches));
      assertThat(trainer.activations()).isEqualTo(ActivationReport.NONE);
      trainer.observe(true);
      trainer.step(List.of(batches));
      ActivationReport report = trainer.activations();
      for (int id = 0; id < config.vocabulary(); id++) { // some have larger logits
        int[][] same = new int[rows][length];
        for (int[] row : same) {
          Arrays.fill(row, id);
        }
        trainer.evaluate(Batch.of(same, same));
      }
      assertThat(trainer.activations()).isEqualTo(report);
      trainer.observe(false);
      trainer.step(List.of(batches));
      assertThat(trainer.activations()).isEqualTo(ActivationReport.NONE);
      return report;
    }
  }

  /** Sequences of one token: o is (q·k)·v/√K in each head, and nothing turns at position 0. */
  @Test
  void sizesOfHeadsAreThoseOfPlainLoops() {
    int[][] tokens = {{3}, {7}, {10}};
    Batch batch = Batch.of(tokens, new int[][] {{1}, {2}, {3}});
    try (Engine engine = Engine.create(ElementType.FLOAT64, 2, ComputeRoute.PLAIN);
        LanguageModel start =
            LanguageModel.random(engine, model(RETENTION), WeightType.FLOAT64, 5);
        Trainer trainer = Trainer.of(engine, start, 3, 1, TrainerOptions.DEFAULT)) {
      Map<String, double[][]> weights =
          trainer.weights().stream()
              .collect(Collectors.toMap(TrainedTensor::name, ActivationReportTest::read));
      double[] sizes = plain(weights::get, tokens);
      trainer.observe(true);
      trainer.step(List.of(batch));
      ActivationReport.Layer layer = trainer.activations().layers().get(0);
      assertThat(layer.layer()).isZero();
      assertClose(layer.smallest(), Math.min(sizes[0], sizes[1]));
      assertClose(layer.mean(), (sizes[0] + sizes[1]) / 2);
      assertClose(layer.largest(), Math.max(sizes[0], sizes[1]));
      assertThat(layer.largest()).isGreaterThan(1.01 * layer.smallest());
    }
  }

  private static double[] plain(Function<String, double[][]> weights, int[][] tokens) {
    double[] squares = new double[HEADS];
    int valueWidth = 0;
    for (int[] row : tokens) {
      double[] x = weights.apply("embedding")[row[0]];
      double mean = Arrays.stream(x).map(e -> e * e).sum() / WIDTH;
      double[] scale = weights.apply("layers.0.mixer norm")[0];
      double[] normed = new double[WIDTH];
      Arrays.setAll(normed, i -> scale[i] * x[i] / Math.sqrt(mean + EPS));
      double[] q = product(weights.apply("layers.0.mixer.query"), normed);
      double[] k = product(weights.apply("layers.0.mixer.key"), normed);
      double[] v = product(weights.apply("layers.0.mixer.value"), normed);
      int keyWidth = k.length / HEADS;
      valueWidth = v.length / HEADS;
      for (int h = 0; h < HEADS; h++) {
        double score = 0;
        for (int i = 0; i < keyWidth; i++) {
          score += q[h * keyWidth + i] * k[h * keyWidth + i] / Math.sqrt(keyWidth);
        }
        for (int i = 0; i < valueWidth; i++) {
          squares[h] += Math.pow(score * v[h * valueWidth + i], 2);
        }
      }
    }
    int numbers = tokens.length * valueWidth;
    return Arrays.stream(squares).map(s -> Math.sqrt(s / numbers)).toArray();
  }

  private static double[] product(double[][] w, double[] x) {
    double[] y = new double[w.length];
    for (int i = 0; i < y.length; i++) {
      for (int j = 0; j < x.length; j++) {
        y[i] += w[i][j] * x[j];
      }
    }
    return y;
  }

  private static double[][] read(TrainedTensor tensor) {
    double[][] rows = new double[tensor.rows()][tensor.columns()];
    for (int i = 0; i < rows.length; i++) {
      tensor.read(i, rows[i]);
    }
    return rows;
  }

  private static void assertClose(double got, double expected) {
    assertThat(got).isCloseTo(expected, within(CLOSE * Math.abs(expected)));
  }

  /** Only the row with the smaller logits is labelled. */
  @Test
  void theLargestLogitIsThatOfLabelledRows() {
    int[][] tokens = {{3, 4}, {7, 5}};
    try (Engine engine = Engine.create(ElementType.FLOAT64, 2, ComputeRoute.PLAIN);
        LanguageModel start =
            LanguageModel.random(engine, model(RETENTION), WeightType.FLOAT64, 5);
        Trainer trainer = Trainer.of(engine, start, 2, 2, TrainerOptions.DEFAULT)) {
      double[] largest = new double[2];
      for (int row = 0; row < 2; row++) {
        largest[row] = largest(start, tokens[row]);
      }
      int smaller = largest[0] < largest[1] ? 0 : 1;
      assertThat(largest[1 - smaller]).isGreaterThan(1.001 * largest[smaller]);
      int[][] targets = {{Batch.UNLABELLED, Batch.UNLABELLED}, {-1, -1}};
      targets[smaller][1] = 2;
      trainer.observe(true);
      trainer.step(List.of(Batch.of(tokens, targets)));
      assertClose(trainer.activations().largestLogit(), largest[smaller]);
    }
  }

  /** Returns the largest absolute logit behind the last token. */
  private static double largest(LanguageModel model, int[] tokens) {
    try (var session = model.newSession()) {
      session.append(tokens);
      double[] logits = new double[VOCABULARY];
      session.logits(0, logits);
      return Arrays.stream(logits).map(Math::abs).max().orElseThrow();
    }
  }

  @Test
  void lanesAndCheckpointingChangeNothing() {
    LayerConfig attention =
        new LayerConfig(AttentionConfig.multiHead(WIDTH, HEADS), 24, Activation.SILU);
    DecoderConfig config = model(RETENTION, attention, RETENTION);
    int[][] tokens = new int[3][70];
    for (int[] row : tokens) {
      Arrays.setAll(row, t -> (5 * t + 3) % VOCABULARY);
    }
    Batch batch = Batch.of(tokens, tokens);
    ActivationReport report = observed(config, TrainerOptions.DEFAULT, 1, batch);
    assertThat(report.layers().stream().map(ActivationReport.Layer::layer)).containsExactly(0, 2);
    assertThat(report.largestLogit()).isPositive();
    assertThat(observed(config, TrainerOptions.DEFAULT, 4, batch)).isEqualTo(report);
    assertThat(observed(config, TrainerOptions.DEFAULT.withCheckpointing(true), 2, batch))
        .isEqualTo(report);
  }
}
