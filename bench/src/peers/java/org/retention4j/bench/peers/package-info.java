/**
 * Training beside libtorch in eager mode, on the same weights and batch. Built with {@code -Ppeers}
 * only: nothing else sees it.
 */
package org.retention4j.bench.peers;
