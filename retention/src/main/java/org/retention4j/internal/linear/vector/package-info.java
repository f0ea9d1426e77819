/**
 * bf16 and int8 weights on the Java heap, which the Vector API multiplies for few rows; for many,
 * oneDNN gets a copy. One row times bf16 weights is {@code VectorMatMul} with {@code Bf16Kernel}.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.linear.vector;
