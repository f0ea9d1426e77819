/**
 * The mathematics in plain float64, to be checked against the paper by eye, and what "equal" means:
 * the one metric ({@link org.retention4j.core.reference.RelativeError}) and the one table of bounds
 * ({@link org.retention4j.core.reference.Bounds}).
 */
package org.retention4j.core.reference;
