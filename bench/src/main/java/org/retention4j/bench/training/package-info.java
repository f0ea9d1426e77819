/**
 * Steps of training: four mixers in one stack, of equal parameters, by the length of their rows.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.training;
