/**
 * What is learnt: texts read from files, cut into batches whose order is a pure function of a seed
 * and a position. Start at {@link org.retention4j.train.data.TrainingText}.
 *
 * <p>For users.
 */
package org.retention4j.train.data;
