/**
 * The chunkwise-recurrent form of retention: parallel in a chunk, recurrent across, for prefill.
 */
package org.retention4j.chunkwise;
