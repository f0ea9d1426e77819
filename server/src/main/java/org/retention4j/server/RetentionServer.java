package org.retention4j.server;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.batch.ContinuousBatch;

/**
 * Serves a model over HTTP: {@code /v1/completions}, {@code /v1/models}, {@code /v1/sessions},
 * {@code /health}, {@code /metrics}, and a page to try it at {@code /}. See docs/server.md.
 *
 * <p>May be used by any number of threads. Model and tokenizer stay the caller's, and are to be
 * closed after it.
 *
 * @since 0.1
 */
public final class RetentionServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(RetentionServer.class.getName());
  private static final String NO_DELAY = "sun.net.httpserver.nodelay";

  /** Threads beside those of requests that wait for the batch: for all others, and slow clients. */
  private static final int MORE_THREADS = 256;

  private static final int BACKLOG = 1024;
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Duration LEAST_PATIENCE = Duration.ofSeconds(1);

  private final ServerOptions options;
  private final HttpServer http;
  private final ClientThreads threads;
  private final ContinuousBatch batch;
  private final Sessions sessions;
  private final Routes routes;
  private boolean closed;

  private RetentionServer(
      ServedModel served,
      ServerOptions options,
      HttpServer http,
      ContinuousBatch batch,
      Sessions sessions) {
    this.options = options;
    this.http = http;
    this.batch = batch;
    this.sessions = sessions;
    Guard guard = new Guard(http.getAddress().getAddress(), options);
    routes = new Routes(served, options.limits(), guard, batch, sessions);
    int count = options.batch().sequences() + options.batch().waiting() + MORE_THREADS;
    threads = new ClientThreads(count, PATIENCE, LEAST_PATIENCE);
    http.createContext("/", routes);
    http.setExecutor(threads);
    http.start();
  }

  /**
   * Begins to serve.
   *
   * @throws IllegalArgumentException if the address is none of this machine or taken, or the folder
   *     of sessions is another server's or takes no files
   */
  public static RetentionServer start(ServedModel served, ServerOptions options) {
    Args.present("a model", served);
    Args.present("options", options);
    // Small pieces are sent at once; the JDK's server takes that from a property only.
    if (System.getProperty(NO_DELAY) == null) {
      System.setProperty(NO_DELAY, "true");
    }
    List<AutoCloseable> made = new ArrayList<>();
    boolean done = false;
    try {
      HttpServer http = bind(options);
      made.add(() -> http.stop(0));
      Optional<SessionFolder> folder = options.sessions().map(SessionFolder::open);
      folder.ifPresent(made::add);
      Sessions sessions = new Sessions(served.model(), options, folder);
      made.add(sessions);
      ContinuousBatch batch =
          new ContinuousBatch(served.model(), served.tokenizer(), options.batch());
      made.add(batch);
      RetentionServer server = new RetentionServer(served, options, http, batch, sessions);
      done = true;
      return server;
    } finally {
      if (!done) {
        closeAll(made);
      }
    }
  }

  private static void closeAll(List<AutoCloseable> made) {
    Collections.reverse(made);
    for (AutoCloseable each : made) {
      try {
        each.close();
      } catch (Exception e) {
        LOG.log(System.Logger.Level.WARNING, "what a server that did not begin had made", e);
      }
    }
  }

  private static HttpServer bind(ServerOptions options) {
    String wanted = options.host() + ":" + options.port();
    try {
      InetAddress address = InetAddress.getByName(options.host());
      return HttpServer.create(new InetSocketAddress(address, options.port()), BACKLOG);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "expected a host of this machine, got " + options.host(), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "expected a free port of this machine, got " + wanted + ": " + Shown.reason(e), e);
    }
  }

  /** Returns where it listens, with the port that it got. */
  public InetSocketAddress address() {
    return http.getAddress();
  }

  /**
   * Refuses new requests, lets those that run come to their end for {@link ServerOptions#grace},
   * ends the others as they stand, and saves all sessions that have changed.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    routes.stop();
    if (!batch.stop(options.grace())) {
      LOG.log(System.Logger.Level.INFO, "requests are ended before their end");
    }
    batch.close();
    http.stop(1);
    threads.close();
    sessions.close();
  }
}
