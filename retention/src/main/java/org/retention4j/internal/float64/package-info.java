/**
 * The same as {@link org.retention4j.internal.float32} in double, in plain loops: slow, to prove
 * that the arrangement is right.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.float64;
