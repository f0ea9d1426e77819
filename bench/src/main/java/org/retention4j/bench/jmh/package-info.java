/**
 * JMH benchmarks of the kernels, at the paper's head shape.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.jmh;
