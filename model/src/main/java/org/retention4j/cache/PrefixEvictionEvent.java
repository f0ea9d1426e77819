package org.retention4j.cache;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A beginning left memory for others. */
@Name("org.retention4j.PrefixEviction")
@Label("Prefix Eviction")
@Category("Retention4J")
@StackTrace(false)
final class PrefixEvictionEvent extends Event {
  @Label("Tokens")
  int tokens;

  @Label("Uses")
  int uses;

  @Label("Bytes")
  @DataAmount
  long bytes;

  static void of(PrefixEntry entry) {
    PrefixEvictionEvent event = new PrefixEvictionEvent();
    if (event.shouldCommit()) {
      event.tokens = entry.key.depth();
      event.uses = entry.uses;
      event.bytes = entry.bytes;
      event.commit();
    }
  }
}
