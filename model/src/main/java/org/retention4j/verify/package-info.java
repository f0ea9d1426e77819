/**
 * The one prover: holds every way of computing to plain float64 and to one another, by the metric
 * and the bounds of {@link org.retention4j.core.reference}.
 *
 * <p>For users who want a checkpoint proved; the command and the benchmark call it too.
 */
package org.retention4j.verify;
