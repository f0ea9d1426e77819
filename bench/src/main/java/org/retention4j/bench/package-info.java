/**
 * The benchmark: proves the forms equal, measures them against a Transformer layer, and writes a
 * report; or measures a checkpoint as a whole; or runs the JMH kernels.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench;
