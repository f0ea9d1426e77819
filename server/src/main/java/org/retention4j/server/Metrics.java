package org.retention4j.server;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import org.retention4j.batch.BatchCounts;
import org.retention4j.cache.PrefixCacheStats;
import org.retention4j.engine.HeldMemory;

/** Figures in the text format of Prometheus. */
final class Metrics {
  private static final double NANOS = 1e9;

  private final long start = System.nanoTime();
  private final Map<String, LongAdder> requests = new ConcurrentSkipListMap<>();
  private final LongAdder firstTokens = new LongAdder();
  private final LongAdder firstTokenNanos = new LongAdder();
  private final LongAdder gone = new LongAdder();

  /** Counts a request by what it asked for and how it was answered. */
  void request(String route, int status) {
    String labels = String.format(Locale.ROOT, "route=\"%s\",status=\"%d\"", route, status);
    requests.computeIfAbsent(labels, key -> new LongAdder()).increment();
  }

  /** Counts a client that left before its answer's end. */
  void gone() {
    gone.increment();
  }

  void firstToken(long nanos) {
    firstTokens.increment();
    firstTokenNanos.add(nanos);
  }

  String text(BatchCounts batch, Optional<PrefixCacheStats> prefixes, Sessions sessions) {
    Writer to = new Writer();
    to.type("retention_requests_total", "counter", "Requests by route and status.");
    requests.forEach((labels, count) -> to.value("{" + labels + "}", count.sum()));
    to.one("retention_clients_gone_total", "counter", "Clients that left early.", gone.sum());
    to.type("retention_sequences", "gauge", "Sequences by what they do.");
    to.value("{state=\"reading\"}", batch.reading());
    to.value("{state=\"waiting\"}", batch.waiting());
    to.value("{state=\"writing\"}", batch.writing());
    to.one("retention_sequences_total", "counter", "Sequences taken in.", batch.taken());
    to.one("retention_refused_total", "counter", "Sequences refused.", batch.refused());
    to.one(
        "retention_prompt_tokens_total",
        "counter",
        "Tokens of prompts read.",
        batch.promptTokens());
    to.one("retention_generated_tokens_total", "counter", "Tokens chosen.", batch.tokens());
    to.one("retention_steps_total", "counter", "Steps of the batch.", batch.steps());
    prefixes.ifPresent(stats -> prefixes(stats, to));
    to.type("retention_first_token_seconds", "summary", "Time to first token.");
    to.value("_sum", firstTokenNanos.sum() / NANOS);
    to.value("_count", firstTokens.sum());
    to.one("retention_sessions", "gauge", "Named sessions.", sessions.list().size());
    to.one("retention_sessions_loaded", "gauge", "Of them in memory.", sessions.loaded());
    to.one("retention_session_bytes", "gauge", "Bytes of their states.", sessions.bytes());
    to.one("retention_session_saves_total", "counter", "Sessions written.", sessions.saves());
    to.one(
        "retention_session_save_failures_total",
        "counter",
        "Sessions that could not be written.",
        sessions.failures());
    to.one("retention_held_bytes", "gauge", "Bytes outside the heap.", HeldMemory.liveBytes());
    to.one("retention_uptime_seconds", "gauge", "", (System.nanoTime() - start) / NANOS);
    return to.text.toString();
  }

  private static void prefixes(PrefixCacheStats stats, Writer to) {
    String prefix = "retention_prefix_cache_";
    to.type(prefix + "requests_total", "counter", "Prompts by how much of them was known.");
    to.value("{result=\"hit\"}", stats.hits());
    to.value("{result=\"partial\"}", stats.partialHits());
    to.value("{result=\"miss\"}", stats.misses());
    to.one(prefix + "saved_tokens_total", "counter", "Tokens not read.", stats.tokensSaved());
    to.one(prefix + "evictions_total", "counter", "Beginnings given up.", stats.evictions());
    to.one(prefix + "entries", "gauge", "Beginnings in memory.", stats.entries());
    to.one(prefix + "bytes", "gauge", "Bytes that they hold.", stats.bytes());
  }

  /** Writes one family after the other. */
  private static final class Writer {
    private final StringBuilder text = new StringBuilder();
    private String name;

    void type(String family, String type, String help) {
      name = family;
      if (!help.isEmpty()) {
        text.append("# HELP ").append(family).append(' ').append(help).append('\n');
      }
      text.append("# TYPE ").append(family).append(' ').append(type).append('\n');
    }

    void value(String labels, long value) {
      text.append(name).append(labels).append(' ').append(value).append('\n');
    }

    void value(String labels, double value) {
      text.append(name).append(labels).append(' ').append(value).append('\n');
    }

    void one(String family, String type, String help, long value) {
      type(family, type, help);
      value("", value);
    }

    void one(String family, String type, String help, double value) {
      type(family, type, help);
      value("", value);
    }
  }
}
