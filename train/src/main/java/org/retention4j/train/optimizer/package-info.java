/**
 * What changes parameters by their gradients.
 *
 * <p>{@link org.retention4j.train.optimizer.OptimizerOptions} is for users; the rest may change at
 * any time.
 */
package org.retention4j.train.optimizer;
