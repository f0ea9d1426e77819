/**
 * Weights in native memory that oneDNN multiplies, and the only code that sees oneDNN's types but
 * for the copies that {@link org.retention4j.internal.linear.vector} makes for it.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.linear.onednn;
