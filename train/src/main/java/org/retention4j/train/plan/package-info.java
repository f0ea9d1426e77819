/**
 * What a step will cost, before one is taken: memory by formula, and the speed of its products as
 * this machine has them.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.plan;
