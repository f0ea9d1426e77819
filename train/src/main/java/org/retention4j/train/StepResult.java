package org.retention4j.train;

/**
 * What a step did.
 *
 * @param step steps so far, this one included
 * @param tokens tokens so far, this step's included
 * @param loss mean cross-entropy of the step's labelled tokens in nats, before the step
 * @param gradientNorm norm of the whole gradient before clipping
 * @param clipped whether it was clipped
 * @param rate the learning rate of the step
 * @since 0.1
 */
public record StepResult(
    long step, long tokens, double loss, double gradientNorm, boolean clipped, double rate) {}
