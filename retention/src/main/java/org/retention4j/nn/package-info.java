/**
 * What token mixers of any kind are made of: the weights that they ask for and where those come
 * from, rotation, seeded initial values, and the micro-batch of tiles that they are bound to.
 *
 * <p>For authors of mixers; may change before 1.0.
 */
package org.retention4j.nn;
