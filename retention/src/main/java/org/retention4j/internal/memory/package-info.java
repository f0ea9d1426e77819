/**
 * Native memory with an owner, tiles on it, tables of rows, and the count of what is held.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.memory;
