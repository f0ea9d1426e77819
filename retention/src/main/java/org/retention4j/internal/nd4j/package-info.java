/**
 * The only engine code that looks into ND4J's arrays: strides, views, overlaps, weights as sources.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.nd4j;
