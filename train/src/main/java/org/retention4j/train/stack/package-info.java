/**
 * A whole decoder as training runs it, made of passes: embedding, layers, head and loss.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.stack;
