package org.retention4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.retention4j.batch.BatchOptions;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.server.ServerLimits;
import org.retention4j.server.ServerOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Where a server listens and what it allows. */
final class ServeOptions {
  /** So that a key does not stand in the list of processes. */
  static final String KEY_VARIABLE = "RETENTION_API_KEY";

  private static final long MEGABYTE = 1_000_000;

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = "127.0.0.1",
      description = "address to listen at (default: ${DEFAULT-VALUE}, this machine only)")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "port, 0 for any that is free (default: ${DEFAULT-VALUE})")
  private int port;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description = "what clients must send as Authorization: Bearer KEY; also RETENTION_API_KEY")
  private String apiKey;

  @Option(
      names = "--allow-host",
      paramLabel = "NAME",
      description = "a name by which clients call this server, as a proxy's; may be repeated")
  private Set<String> hosts = Set.of();

  @Option(
      names = "--sessions",
      paramLabel = "DIR",
      description = "folder of sessions that outlive the process")
  private Path sessions;

  @Option(
      names = "--save-every",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "save a session that has changed after this (default: ${DEFAULT-VALUE})")
  private int saveEvery;

  @Option(
      names = "--idle",
      paramLabel = "SECONDS",
      defaultValue = "300",
      description = "save and unload a session unused for this (default: ${DEFAULT-VALUE})")
  private int idle;

  @Option(
      names = "--sequences",
      paramLabel = "N",
      defaultValue = "16",
      description = "sequences computed at once (default: ${DEFAULT-VALUE})")
  private int sequences;

  @Option(
      names = "--waiting",
      paramLabel = "N",
      defaultValue = "64",
      description = "sequences that may wait; more are refused (default: ${DEFAULT-VALUE})")
  private int waiting;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "4096",
      description = "the most tokens of an answer (default: ${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(
      names = "--max-prompt",
      paramLabel = "N",
      defaultValue = "32768",
      description = "the most tokens of a prompt (default: ${DEFAULT-VALUE})")
  private int maxPrompt;

  @Option(
      names = "--max-body",
      paramLabel = "BYTES",
      defaultValue = "1048576",
      description = "the most bytes of a request (default: ${DEFAULT-VALUE})")
  private int maxBody;

  @Option(
      names = "--max-sessions",
      paramLabel = "N",
      defaultValue = "1000",
      description = "the most sessions (default: ${DEFAULT-VALUE})")
  private int maxSessions;

  @Option(
      names = "--session-memory",
      paramLabel = "MB",
      defaultValue = "1000",
      description = "memory for states of sessions (default: ${DEFAULT-VALUE})")
  private int sessionMemory;

  @Option(
      names = "--prefix-cache",
      paramLabel = "MB",
      defaultValue = "256",
      description =
          "memory for beginnings of prompts, which are not read again; 0 for none"
              + " (default: ${DEFAULT-VALUE})")
  private int prefixCache;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "the longest time of a request (default: ${DEFAULT-VALUE})")
  private int timeout;

  @Option(
      names = "--cache-limit",
      paramLabel = "N",
      defaultValue = "32768",
      description = "the most tokens in a cache of attention layers (default: ${DEFAULT-VALUE})")
  private int cacheLimit;

  /** Refuses values out of their ranges, by the names of the options. */
  ServerOptions options() {
    ModelOptions.requireCacheLimit(cacheLimit);
    least("--save-every", saveEvery, 1);
    least("--idle", idle, 1);
    least("--sequences", sequences, 1);
    least("--waiting", waiting, 0);
    least("--max-tokens", maxTokens, 1);
    least("--max-prompt", maxPrompt, 1);
    least("--max-body", maxBody, 1);
    least("--max-sessions", maxSessions, 0);
    least("--session-memory", sessionMemory, 0);
    least("--prefix-cache", prefixCache, 0);
    least("--timeout", timeout, 1);
    ServerLimits byDefault = ServerLimits.DEFAULT;
    ServerLimits limits =
        new ServerLimits(
            maxBody,
            maxPrompt,
            maxTokens,
            byDefault.choices(),
            Duration.ofSeconds(timeout),
            maxSessions,
            sessionMemory * MEGABYTE,
            byDefault.sessionTokens());
    SessionOptions session =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(cacheLimit));
    ServerOptions options =
        ServerOptions.DEFAULT
            .withAddress(host, port)
            .withHosts(hosts)
            .withSaving(Duration.ofSeconds(saveEvery), Duration.ofSeconds(idle))
            .withLimits(limits)
            .withBatch(
                BatchOptions.DEFAULT
                    .withSequences(sequences)
                    .withWaiting(waiting)
                    .withSession(session)
                    .withPrefixBytes(prefixCache * MEGABYTE));
    if (sessions != null) {
      options = options.withSessions(sessions);
    }
    Optional<String> key = key();
    return key.isPresent() ? options.withApiKey(key.get()) : options;
  }

  private Optional<String> key() {
    return Optional.ofNullable(apiKey == null ? System.getenv(KEY_VARIABLE) : apiKey);
  }

  private static void least(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException("expected " + name + " >= " + least + ", got " + value);
    }
  }

  /** Says which options have no effect. */
  void sayEffects(CommandSpec spec, boolean hasCaches) {
    if (sessions == null) {
      Effects.none(spec, "without --sessions nothing is saved", "--save-every", "--idle");
    }
    if (!hasCaches) {
      Effects.none(spec, "no layer of this model is attention", "--cache-limit");
    }
  }
}
