/** JMH benchmarks of the kernels, at the paper's head shape. */
package org.retention4j.bench.jmh;
