package org.retention4j.server;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.batch.BatchOptions;

/**
 * Where a server listens, what it allows, and where its sessions lie.
 *
 * @param host a name or an address of this machine; by default only programs on it are heard
 * @param port 0…65535, 0 for any that is free
 * @param apiKey what clients must send as {@code Authorization: Bearer ...}; empty for none
 * @param sessions a folder for sessions, which is made if there is none; without, they end with the
 *     process
 * @param saveEvery after so long a session that has changed is saved
 * @param idle after so long without use a session is saved and leaves the memory
 * @param grace how long requests may go on when the server is closed
 * @param batch how many sequences are computed at once, and how
 * @param limits of requests and sessions
 * @param hosts names by which clients may call this server, as a proxy's, beside {@code localhost}
 *     and {@code host}. Where other machines are heard addresses are allowed too, and with a key
 *     and without such names any name is
 * @since 0.1
 */
public record ServerOptions(
    String host,
    int port,
    Optional<String> apiKey,
    Optional<Path> sessions,
    Duration saveEvery,
    Duration idle,
    Duration grace,
    BatchOptions batch,
    ServerLimits limits,
    Set<String> hosts) {
  /** Memory for beginnings of prompts. */
  private static final long PREFIX_BYTES = 256_000_000;

  /** The loopback address, port 8080, no key, no folder, 256 MB of a prefix cache. */
  public static final ServerOptions DEFAULT =
      new ServerOptions(
          "127.0.0.1",
          8080,
          Optional.empty(),
          Optional.empty(),
          Duration.ofSeconds(30),
          Duration.ofMinutes(5),
          Duration.ofSeconds(10),
          BatchOptions.DEFAULT.withPrefixBytes(PREFIX_BYTES),
          ServerLimits.DEFAULT,
          Set.of());

  private static final int LARGEST_PORT = 65_535;
  private static final Pattern HEADER = Pattern.compile("\\S|\\S\\P{Cntrl}*\\S");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]");

  /** Checks the ranges. */
  public ServerOptions {
    Args.present("a host", host);
    Args.present("an API key", apiKey);
    Args.present("a folder", sessions);
    Args.present("options of a batch", batch);
    Args.present("limits", limits);
    hosts = Set.copyOf(Args.present("hosts", hosts));
    if (port < 0 || port > LARGEST_PORT) {
      throw new IllegalArgumentException("expected a port in 0.." + LARGEST_PORT + ", got " + port);
    }
    if (apiKey.isPresent() && apiKey.get().isBlank()) {
      throw new IllegalArgumentException("expected an API key with text, got an empty one");
    }
    if (apiKey.isPresent() && !HEADER.matcher(apiKey.get()).matches()) {
      throw new IllegalArgumentException(
          "expected an API key that a header can hold, got one with blanks around it or line ends");
    }
    for (String name : hosts) {
      if (!NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "expected hosts without scheme and port, as in talks.example.org, got "
                + Shown.name(name));
      }
    }
    positive("saveEvery", saveEvery);
    positive("idle", idle);
    if (Args.present("grace", grace).isNegative()) {
      throw new IllegalArgumentException("expected grace >= 0, got " + grace);
    }
  }

  private static void positive(String name, Duration value) {
    if (Args.present(name, value).isNegative() || value.isZero()) {
      throw new IllegalArgumentException("expected " + name + " > 0, got " + value);
    }
  }

  /** Returns the same at another address. */
  public ServerOptions withAddress(String newHost, int newPort) {
    return new ServerOptions(
        newHost, newPort, apiKey, sessions, saveEvery, idle, grace, batch, limits, hosts);
  }

  /** Returns the same with a key. */
  public ServerOptions withApiKey(String value) {
    return new ServerOptions(
        host, port, Optional.of(value), sessions, saveEvery, idle, grace, batch, limits, hosts);
  }

  /** Returns the same with a folder for sessions. */
  public ServerOptions withSessions(Path value) {
    return new ServerOptions(
        host, port, apiKey, Optional.of(value), saveEvery, idle, grace, batch, limits, hosts);
  }

  /** Returns the same with other times of saving. */
  public ServerOptions withSaving(Duration newSaveEvery, Duration newIdle) {
    return new ServerOptions(
        host, port, apiKey, sessions, newSaveEvery, newIdle, grace, batch, limits, hosts);
  }

  /** Returns the same with another time for requests at the end. */
  public ServerOptions withGrace(Duration value) {
    return new ServerOptions(
        host, port, apiKey, sessions, saveEvery, idle, value, batch, limits, hosts);
  }

  /** Returns the same with another batch. */
  public ServerOptions withBatch(BatchOptions value) {
    return new ServerOptions(
        host, port, apiKey, sessions, saveEvery, idle, grace, value, limits, hosts);
  }

  /** Returns the same for clients that call it by such names. */
  public ServerOptions withHosts(Set<String> value) {
    return new ServerOptions(
        host, port, apiKey, sessions, saveEvery, idle, grace, batch, limits, value);
  }

  /** Returns the same with other limits. */
  public ServerOptions withLimits(ServerLimits value) {
    return new ServerOptions(
        host, port, apiKey, sessions, saveEvery, idle, grace, batch, value, hosts);
  }
}
