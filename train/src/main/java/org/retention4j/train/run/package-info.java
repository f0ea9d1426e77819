/**
 * Runs of training from text to model folder: batches, rates, measurements on held-out text,
 * checkpoints, and going on after an end of any kind. Start at {@link
 * org.retention4j.train.run.TrainingRun}.
 *
 * <p>For users.
 */
package org.retention4j.train.run;
