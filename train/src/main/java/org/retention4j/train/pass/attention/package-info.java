/**
 * Softmax attention forwards and back, tile by tile.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.pass.attention;
