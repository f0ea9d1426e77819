/**
 * Products with packed weights: what a weight format is, how weights name the form of their input,
 * and how the products of one tile are shared out among lanes. A format is a folder below.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.linear;
