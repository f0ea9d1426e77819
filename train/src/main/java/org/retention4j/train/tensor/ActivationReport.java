package org.retention4j.train.tensor;

import java.util.List;

/**
 * What a step found on its way forth, over all of its micro-batches and before the weights changed.
 *
 * @param layers those whose mixer has heads of retention; empty where the step was not observed
 * @param largestLogit the largest absolute value among the logits of labelled tokens; NaN where the
 *     step was not observed
 * @since 0.1
 */
public record ActivationReport(List<Layer> layers, double largestLogit) {
  /** Of a step that was not observed. */
  public static final ActivationReport NONE = new ActivationReport(List.of(), Double.NaN);

  /** Copies the list. */
  public ActivationReport {
    layers = List.copyOf(layers);
  }

  /**
   * The root mean square of what a head of a layer's mixer puts out, before its norm, over all
   * tokens and channels. The norm divides by it, and multiplies gradients with its inverse: heads
   * that put out little have large ones.
   *
   * @param layer from 0
   * @param smallest of all heads
   * @param mean of all heads
   * @param largest of all heads
   */
  public record Layer(int layer, double smallest, double mean, double largest) {}
}
