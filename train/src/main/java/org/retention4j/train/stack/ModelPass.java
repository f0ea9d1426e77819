package org.retention4j.train.stack;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.DecoderConfig;
import org.retention4j.train.pass.HeadSizes;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.tensor.ActivationReport;
import org.retention4j.train.tensor.TrainedTensor;

/** A whole decoder with its loss, forwards and back, over micro-batches of one shape. */
public final class ModelPass implements AutoCloseable {
  private final Buffers owner;
  private final Scratch kept;
  private final Scratch shared;
  private final EmbeddingPass embedding;
  private final List<LayerPass> layers = new ArrayList<>();
  private final HeadPass head;
  private final boolean checkpointing;
  private boolean measured;

  /**
   * Binds a decoder to parameters.
   *
   * @param shape B, T, micro-batches of a step, checkpointing
   * @param parameters of the decoder, which stay the caller's
   */
  public ModelPass(
      Engine engine, DecoderConfig config, RetentionForm form, Shape shape, Parameters parameters) {
    owner = engine.newBuffers();
    kept = engine.newScratch();
    shared = engine.newScratch();
    checkpointing = shape.checkpointing();
    boolean bound = false;
    try {
      boolean bf16Products = shape.bf16Products() && engine.multipliesBfloat16();
      PassContext context =
          new PassContext(
              engine,
              owner,
              kept,
              shared,
              shape.rows(),
              shape.length(),
              shape.groups(),
              bf16Products ? form.bfloat16() : form,
              bf16Products);
      Tile gradient = owner.tile(context.rows(), config.modelWidth());
      Tile x = owner.tile(context.rows(), config.modelWidth());
      embedding = new EmbeddingPass(context, config, parameters, x, gradient);
      for (int i = 0; i < config.layers().size(); i++) {
        Tile y = owner.tile(context.rows(), config.modelWidth());
        if (checkpointing) {
          kept.rewind();
        }
        layers.add(
            new LayerPass(
                context,
                config.layers().get(i),
                config.normEps(),
                parameters,
                ModelNames.layer(i),
                x,
                y,
                gradient));
        x = y;
      }
      head = new HeadPass(context, config, parameters, x, gradient);
      bound = true;
    } finally {
      if (!bound) {
        close();
      }
    }
  }

  /**
   * What a model is bound to.
   *
   * @param rows B
   * @param length T
   * @param groups micro-batches of a step
   * @param checkpointing whether layers compute again on the way back what they computed
   * @param bf16Products whether operands of the products of weights are rounded to bf16, as {@link
   *     org.retention4j.engine.TileProducts#bfloat16} does, and those of the form
   */
  public record Shape(
      int rows, int length, int groups, boolean checkpointing, boolean bf16Products) {}

  /** Makes all parameters of a decoder, zeros yet. */
  public static Parameters parameters(Engine engine, DecoderConfig config, Buffers owner) {
    Parameters all = new Parameters(engine, owner);
    ModelNames.addAll(config, all);
    return all;
  }

  /** Has {@link #run} measure from now on what {@link #report} tells, from nothing, or not. */
  public void measure(boolean value) {
    if (value || measured) {
      head.measure(value);
      layers.forEach(layer -> layer.sizes().clear());
      measured = value;
    }
  }

  /** Returns what was measured since it was to be. */
  public ActivationReport report() {
    List<ActivationReport.Layer> all = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      HeadSizes sizes = layers.get(i).sizes();
      if (!sizes.isEmpty()) {
        all.add(new ActivationReport.Layer(i, sizes.smallest(), sizes.mean(), sizes.largest()));
      }
    }
    return measured ? new ActivationReport(all, head.largestLogit()) : ActivationReport.NONE;
  }

  /**
   * Returns the sum of the cross-entropies of a micro-batch's labelled tokens in nats, and adds
   * gradients to those of the parameters.
   *
   * @param tokens (B,T) checked ids
   * @param targets (B,T)
   * @param scale of the gradients: one over the step's labelled tokens
   */
  public double run(int[][] tokens, int[][] targets, Segment segment, double scale) {
    measureLayers(measured);
    double loss = forward(tokens, targets, segment, scale);
    // What is computed again, or to be looked at only, was not put out by the step.
    measureLayers(false);
    for (int i = layers.size() - 1; i >= 0; i--) {
      if (checkpointing && i < layers.size() - 1) {
        layers.get(i).forward(segment);
      }
      layers.get(i).backward(segment);
    }
    embedding.backward();
    return loss;
  }

  private void measureLayers(boolean value) {
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).measure(value);
    }
  }

  /** Returns the same sum and changes nothing. */
  public double evaluate(int[][] tokens, int[][] targets, Segment segment) {
    return forward(tokens, targets, segment, Double.NaN);
  }

  private double forward(int[][] tokens, int[][] targets, Segment segment, double scale) {
    embedding.forward(tokens);
    for (LayerPass layer : layers) {
      layer.forward(segment);
    }
    return head.run(targets, scale);
  }

  /** Returns the states that streams carry on. */
  public List<TrainedTensor> carried() {
    List<TrainedTensor> all = new ArrayList<>();
    layers.forEach(layer -> all.addAll(layer.carried()));
    return all;
  }

  /** Returns the bytes of its tiles. */
  public long bytes() {
    return owner.bytes() + kept.bytes() + shared.bytes();
  }

  @Override
  public void close() {
    owner.close();
    kept.close();
    shared.close();
  }
}
