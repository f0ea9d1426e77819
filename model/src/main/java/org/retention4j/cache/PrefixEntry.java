package org.retention4j.cache;

import java.util.Arrays;
import org.retention4j.model.Snapshot;

/** A beginning in memory. What changes is guarded by the lock of the store. */
final class PrefixEntry {
  final PrefixKey key;
  final Snapshot snapshot;
  final long bytes;

  /** What it costs to read it, in nanoseconds. */
  final long cost;

  /** The tokens, no more than count for its bytes. */
  private final int[] tokens;

  /** Times it was stored or found. */
  int uses = 1;

  /** The lowest goes first. */
  double priority;

  /** Those who copy it at the moment. */
  int users;

  boolean evicted;

  PrefixEntry(PrefixKey key, int[] prompt, Snapshot snapshot, long stateBytes, long cost) {
    this.key = key;
    tokens = prompt.length == key.depth() ? prompt : Arrays.copyOf(prompt, key.depth());
    this.snapshot = snapshot;
    this.cost = cost;
    bytes = stateBytes + (long) Integer.BYTES * tokens.length;
  }

  /** Returns whether it is the beginning of a prompt: an equal hash says nothing. */
  boolean begins(int[] other) {
    int depth = tokens.length;
    return depth <= other.length && Arrays.equals(tokens, 0, depth, other, 0, depth);
  }

  /** Returns what is saved by it for each of its bytes, tokens times their cost. */
  double worth() {
    return (double) cost * uses / bytes;
  }
}
