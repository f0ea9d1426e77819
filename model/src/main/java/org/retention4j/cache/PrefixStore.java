package org.retention4j.cache;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.snapshot.Fingerprint;

/**
 * Beginnings in memory within a budget. Which goes first is decided by Greedy-Dual-Size with
 * frequency: priority = age + uses · cost / bytes, where age is the priority of the last that went,
 * so that what was dear and is no longer asked for goes in the end. For one thread at a time.
 */
final class PrefixStore {
  /** Places of so many pieces are remembered, to see where prompts part. */
  private static final int SEEN = 1 << 16;

  private final Map<PrefixKey, PrefixEntry> entries = new HashMap<>();
  private final long mostBytes;
  private final Map<Fingerprint, Boolean> seen =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Fingerprint, Boolean> eldest) {
          return size() > SEEN;
        }
      };

  private double age;
  private long bytes;
  private long evictions;
  private long collisions;

  PrefixStore(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  long bytes() {
    return bytes;
  }

  long evictions() {
    return evictions;
  }

  long collisions() {
    return collisions;
  }

  int size() {
    return entries.size();
  }

  /** Returns what is there for a key and is the beginning of the prompt, or null. */
  PrefixEntry get(PrefixKey key, int[] prompt) {
    PrefixEntry entry = entries.get(key);
    if (entry != null && !entry.begins(prompt)) {
      collisions++;
      return null;
    }
    return entry;
  }

  /** Notes that one was found, and keeps it open until {@link #release}. */
  void use(PrefixEntry entry) {
    entry.uses++;
    entry.users++;
    entry.priority = age + entry.worth();
  }

  void release(PrefixEntry entry) {
    entry.users--;
    closeUnused(entry);
  }

  /** Takes one over, in the place of one of the same key, and lets others go for it. */
  void put(PrefixEntry entry) {
    if (entry.bytes > mostBytes) { // others would go for it, and then it too
      entry.evicted = true;
      closeUnused(entry);
      return;
    }
    PrefixEntry before = entries.put(entry.key, entry);
    bytes += entry.bytes;
    if (before != null) {
      left(before);
    }
    entry.priority = age + entry.worth();
    while (bytes > mostBytes) {
      PrefixEntry least = least();
      age = least.priority;
      entries.remove(least.key);
      evictions++;
      PrefixEvictionEvent.of(least);
      left(least);
    }
  }

  private PrefixEntry least() {
    PrefixEntry least = null;
    for (PrefixEntry entry : entries.values()) {
      least = least == null || entry.priority < least.priority ? entry : least;
    }
    return least;
  }

  private void left(PrefixEntry entry) {
    bytes -= entry.bytes;
    entry.evicted = true;
    closeUnused(entry);
  }

  private static void closeUnused(PrefixEntry entry) {
    if (entry.evicted && entry.users == 0) {
      entry.snapshot.close();
    }
  }

  /**
   * Notes a prompt and returns how deep it goes along with one that was noted before it, in whole
   * pieces.
   */
  int junction(List<PrefixKey> keys) {
    int depth = 0;
    boolean along = true;
    for (PrefixKey key : keys) {
      along &= seen.put(key.hash(), Boolean.TRUE) != null;
      depth = along ? key.depth() : depth;
    }
    return depth;
  }

  void clear() {
    entries.values().forEach(this::left);
    entries.clear();
    seen.clear();
  }
}
