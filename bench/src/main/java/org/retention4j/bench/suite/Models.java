package org.retention4j.bench.suite;

import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.Forms;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixer;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.WeightSource;
import org.retention4j.parallel.ParallelForm;

/**
 * The layers that are proved equal and then timed: one of seeded retention weights, in three forms,
 * and a Transformer layer of as many weights.
 */
public final class Models implements AutoCloseable {
  /** The three forms, by name, in the order in which tables show them. */
  public static final Map<String, RetentionForm> FORMS = Forms.all();

  private static final double EPS = 1e-6;
  private static final double ROPE_BASE = 10_000;

  private final LayerShape shape;
  private final Engine engine;
  private final RetentionWeights weights;
  private final MultiScaleRetention block;
  private final DecoderLayer retention;
  private final DecoderLayer attention;

  /** Makes all weights. */
  public Models(LayerShape shape, Engine engine, long seed) {
    this.shape = shape;
    this.engine = engine;
    SplittableRandom seeds = new SplittableRandom(seed);
    RetentionConfig config =
        RetentionConfig.builder(shape.modelWidth(), shape.heads())
            .keyWidth(shape.keyWidth())
            .valueWidth(shape.valueWidth())
            .build();
    weights = RetentionWeights.random(engine, config, WeightType.FLOAT32, seeds.nextLong());
    block = new MultiScaleRetention(engine, weights);
    FeedForward feedForward =
        FeedForward.random(
            engine, shape.modelWidth(), shape.feedForward(), WeightType.FLOAT32, seeds.nextLong());
    double[] mixerNorm = norm(seeds);
    double[] feedForwardNorm = norm(seeds);
    retention =
        new DecoderLayer(
            engine, new RetentionMixer(weights), feedForward, mixerNorm, feedForwardNorm, EPS);
    MixerConfig attends =
        new AttentionConfig(
            shape.modelWidth(),
            shape.attentionHeads(),
            shape.attentionHeads(),
            shape.attentionWidth(),
            ROPE_BASE);
    TokenMixer attentionMixer =
        attends.create(WeightSource.random(engine, WeightType.FLOAT32, seeds.nextLong()));
    attention =
        new DecoderLayer(
            engine,
            attentionMixer,
            FeedForward.random(
                engine,
                shape.modelWidth(),
                shape.attentionFeedForward(),
                WeightType.FLOAT32,
                seeds.nextLong()),
            mixerNorm,
            feedForwardNorm,
            EPS);
  }

  private double[] norm(SplittableRandom seeds) {
    double[] norm = new double[shape.modelWidth()];
    for (int i = 0; i < norm.length; i++) {
      norm[i] = (float) (0.75 + 0.5 * seeds.nextDouble());
    }
    return norm;
  }

  /** Returns the tokens of a form's chunk or block, or null. */
  public static Integer chunk(String form) {
    return switch (form) {
      case "parallel" -> ParallelForm.DEFAULT_BLOCK;
      case "chunkwise" -> ChunkwiseForm.DEFAULT_CHUNK;
      default -> null;
    };
  }

  /** Returns the shape. */
  public LayerShape shape() {
    return shape;
  }

  /** Returns the engine that everything runs on. */
  public Engine engine() {
    return engine;
  }

  /** Returns the provider of element-wise work as rows name it. */
  public String provider() {
    return engine.route().name();
  }

  /** Returns the retention weights. */
  public RetentionWeights weights() {
    return weights;
  }

  /** Returns the retention block. */
  public MultiScaleRetention block() {
    return block;
  }

  /** Returns the layer of a form, or of "attention". */
  public DecoderLayer layer(String form) {
    return form.equals("attention") ? attention : retention;
  }

  /** Binds the layer of a form, which takes tokens in that form, or of "attention". */
  public BoundLayer bind(String form, INDArray x, MixerState state, INDArray y) {
    return layer(form).bind(FORMS.getOrDefault(form, FORMS.get("chunkwise")), x, state, y);
  }

  @Override
  public void close() {
    retention.close();
    attention.close();
  }
}
