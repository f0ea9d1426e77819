package org.retention4j.train.tensor;

/**
 * What a step found of a parameter.
 *
 * @param name of the parameter
 * @param gradientNorm norm of its gradient before clipping
 * @param ratio RMS(g²/v̂): far above 1 where gradients have grown faster than the mean of their
 *     squares; NaN where steps are not observed and updates not clipped, and of Muon's matrices,
 *     which have no such mean
 * @since 0.1
 */
public record TensorReport(String name, double gradientNorm, double ratio) {}
