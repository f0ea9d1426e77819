/**
 * The mathematics in plain float64, to be checked against the paper by eye, and what "equal" means:
 * the one metric ({@link org.retention4j.core.reference.RelativeError}) and the one table of bounds
 * ({@link org.retention4j.core.reference.Bounds}).
 *
 * <p>For users who prove something, and for the proofs of this project.
 */
package org.retention4j.core.reference;
