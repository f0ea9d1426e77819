package org.retention4j.bench.suite;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionWeights;
import org.retention4j.engine.Engine;
import org.retention4j.engine.WeightType;
import org.retention4j.model.AttentionConfig;
import org.retention4j.model.AttentionMixer;
import org.retention4j.model.DecoderLayer;
import org.retention4j.model.FeedForward;
import org.retention4j.model.RetentionMixer;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * The layers that are proved equal and then timed: one set of seeded retention weights under three
 * forms, and a Transformer layer of as many weights.
 */
public final class Models implements AutoCloseable {
  /** The three forms, by name, in the order in which tables show them. */
  public static final Map<String, RetentionForm> FORMS = forms();

  private static final double EPS = 1e-6;
  private static final double ROPE_BASE = 10_000;

  private final LayerShape shape;
  private final Engine engine;
  private final RetentionWeights weights;
  private final MultiScaleRetention block;
  private final Map<String, DecoderLayer> layers = new LinkedHashMap<>();

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
    RetentionMixer mixer = new RetentionMixer(engine, weights, FORMS.get("chunkwise"));
    for (Map.Entry<String, RetentionForm> form : FORMS.entrySet()) {
      layers.put(
          form.getKey(),
          new DecoderLayer(
              engine,
              mixer.withForm(form.getValue()),
              feedForward,
              mixerNorm,
              feedForwardNorm,
              EPS));
    }
    AttentionConfig attention =
        new AttentionConfig(
            shape.modelWidth(),
            shape.attentionHeads(),
            shape.attentionHeads(),
            shape.attentionWidth(),
            ROPE_BASE);
    layers.put(
        "attention",
        new DecoderLayer(
            engine,
            AttentionMixer.random(engine, attention, WeightType.FLOAT32, seeds.nextLong()),
            FeedForward.random(
                engine,
                shape.modelWidth(),
                shape.attentionFeedForward(),
                WeightType.FLOAT32,
                seeds.nextLong()),
            mixerNorm,
            feedForwardNorm,
            EPS));
  }

  private static Map<String, RetentionForm> forms() {
    Map<String, RetentionForm> forms = new LinkedHashMap<>();
    forms.put("parallel", new ParallelForm());
    forms.put("recurrent", new RecurrentForm());
    forms.put("chunkwise", new ChunkwiseForm());
    return java.util.Collections.unmodifiableMap(forms);
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
    return engine.provider().name();
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
    return layers.get(form);
  }

  @Override
  public void close() {
    layers.values().forEach(DecoderLayer::close);
  }
}
