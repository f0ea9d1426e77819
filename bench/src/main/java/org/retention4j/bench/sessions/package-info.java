/**
 * What sessions that last cost: saved and read, begun from a cache, marked, drafted, many at once.
 */
package org.retention4j.bench.sessions;
