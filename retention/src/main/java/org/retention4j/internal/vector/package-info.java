/**
 * Element-wise kernels by the Vector API, and having them compiled before they are needed. Not
 * touched before the module is known to be there.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.vector;
