/**
 * Worker threads: one call at a time in the order of asking, shared out among lanes, with one
 * OpenMP thread each; and what a lane has as scratch.
 *
 * <p>Internal: seen by {@link org.retention4j.engine} and its kind only; nobody else may rely on
 * it.
 */
package org.retention4j.internal.lanes;
