/**
 * What changes parameters by their gradients.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.optimizer;
