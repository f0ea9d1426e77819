/**
 * Training: {@link org.retention4j.train.Trainer} takes {@link org.retention4j.train.Batch}es of
 * tokens and improves the weights of a model, retention, attention or both, one step at a time.
 *
 * <p>For users.
 */
package org.retention4j.train;
