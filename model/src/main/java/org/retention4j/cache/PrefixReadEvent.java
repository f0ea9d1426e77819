package org.retention4j.cache;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A prompt was looked up. */
@Name("org.retention4j.PrefixRead")
@Label("Prefix Read")
@Category("Retention4J")
@StackTrace(false)
final class PrefixReadEvent extends Event {
  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Cached Tokens")
  int cachedTokens;

  @Label("From Disk")
  boolean fromDisk;
}
