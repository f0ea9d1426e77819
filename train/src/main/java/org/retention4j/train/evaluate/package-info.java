/**
 * What a model's bits per byte on held-out text are to be compared with.
 *
 * <p>For users.
 */
package org.retention4j.train.evaluate;
