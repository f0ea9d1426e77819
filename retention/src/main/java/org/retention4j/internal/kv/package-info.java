/**
 * Keys and values of softmax attention in blocks, whatever type their elements have.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.kv;
