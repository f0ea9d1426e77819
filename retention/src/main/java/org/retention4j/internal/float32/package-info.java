/**
 * Tiles, rows, states and caches in fp32: the arithmetic of an fp32 lane, its plain kernels, and
 * how states and caches lie in memory.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.float32;
