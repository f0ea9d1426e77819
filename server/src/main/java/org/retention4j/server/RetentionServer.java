package org.retention4j.server;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.batch.BatchOptions;
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

  /** Threads beside those of requests that wait for the batch: for all that is answered at once. */
  private static final int QUICK_THREADS = 16;

  private static final int BACKLOG = 128;
  private static final int REQUEST_SECONDS = 60;
  private static final long THREAD_SECONDS = 30;

  private final ServerOptions options;
  private final HttpServer http;
  private final ThreadPoolExecutor threads;
  private final ContinuousBatch batch;
  private final Sessions sessions;
  private final Routes routes;
  private boolean closed;

  private RetentionServer(
      ServedModel served, ServerOptions options, HttpServer http, Optional<SessionFolder> folder) {
    this.options = options;
    this.http = http;
    batch = new ContinuousBatch(served.model(), served.tokenizer(), options.batch());
    sessions = new Sessions(served.model(), options, folder);
    Guard guard = new Guard(http.getAddress().getAddress(), options);
    routes = new Routes(served, options.limits(), guard, batch, sessions);
    threads = threads(options.batch());
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
    prepare(options.limits());
    HttpServer http = bind(options);
    Optional<SessionFolder> folder = Optional.empty();
    boolean done = false;
    try {
      folder = options.sessions().map(SessionFolder::open);
      RetentionServer server = new RetentionServer(served, options, http, folder);
      done = true;
      return server;
    } finally {
      if (!done) {
        http.stop(0);
        folder.ifPresent(SessionFolder::close);
      }
    }
  }

  /**
   * Sets what the JDK's server takes from properties only, before it reads them, unless somebody
   * has: small pieces are sent at once; who sends or takes too slowly is cut off.
   */
  private static void prepare(ServerLimits limits) {
    String prefix = "sun.net.httpserver.";
    set(prefix + "nodelay", "true");
    set(prefix + "maxReqTime", "" + REQUEST_SECONDS);
    set(prefix + "maxRspTime", "" + (limits.time().toSeconds() + REQUEST_SECONDS));
  }

  private static void set(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
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

  private static ThreadPoolExecutor threads(BatchOptions batch) {
    int count = batch.sequences() + batch.waiting() + QUICK_THREADS;
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            count,
            count,
            THREAD_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "retention-http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
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
    threads.shutdown();
    try {
      threads.awaitTermination(THREAD_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    sessions.close();
  }
}
