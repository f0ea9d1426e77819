package org.retention4j.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.retention4j.batch.ContinuousBatch;

/** What is asked for by which path, and how failures are answered. */
final class Routes implements HttpHandler {
  private static final System.Logger LOG = System.getLogger(RetentionServer.class.getName());
  private static final int OK = 200;

  private static final String PAGE = "page.html";

  private final ServedModel served;
  private final ServerLimits limits;
  private final Guard guard;
  private final ContinuousBatch batch;
  private final Sessions sessions;
  private final Metrics metrics;
  private final Completions completions;
  private final SessionRoutes sessionRoutes;
  private final long created = Instant.now().getEpochSecond();
  private volatile boolean stopping;

  Routes(
      ServedModel served,
      ServerLimits limits,
      Guard guard,
      ContinuousBatch batch,
      Sessions sessions) {
    this.served = served;
    this.limits = limits;
    this.guard = guard;
    this.batch = batch;
    this.sessions = sessions;
    metrics = new Metrics();
    completions = new Completions(batch, served, limits, metrics, Completions.PATIENCE);
    sessionRoutes = new SessionRoutes(sessions, completions);
  }

  /** From now on nothing new is begun. */
  void stop() {
    stopping = true;
  }

  static HttpFailure noSuchPath() {
    return new HttpFailure(
        HttpFailure.NOT_FOUND, "not_found", "expected a path of this server, got another");
  }

  static void requireMethod(String got, String... expected) {
    if (!Arrays.asList(expected).contains(got)) {
      throw new HttpFailure(
          HttpFailure.WRONG_METHOD,
          "wrong_method",
          "expected " + String.join(" or ", expected) + ", got " + got);
    }
  }

  @Override
  public void handle(HttpExchange exchange) {
    ClientThreads.Turn turn = ClientThreads.turn();
    turn.works();
    Answer answer = new Answer(exchange, turn);
    String[] route = {"other"};
    try {
      answer(new Request(exchange, turn, limits.bodyBytes()), answer, route);
    } catch (Answer.GoneException e) {
      metrics.gone();
    } catch (RuntimeException | Error e) {
      fail(e, answer);
    } finally {
      metrics.request(route[0], answer.status());
      turn.waits(); // for what the client still sends
      exchange.close();
    }
  }

  private void fail(Throwable e, Answer answer) {
    HttpFailure failure = HttpFailure.of(e);
    if (stopping && failure.status() == HttpFailure.BROKEN) {
      failure = HttpFailure.stopping();
    }
    if (failure.status() == HttpFailure.BROKEN) {
      LOG.log(System.Logger.Level.ERROR, "a request failed", e);
    }
    try {
      answer.fail(failure);
    } catch (Answer.GoneException gone) {
      metrics.gone();
    }
  }

  private void answer(Request request, Answer answer, String[] route) {
    List<String> path = request.path();
    String method = request.method();
    guard.requireSite(request);
    String first = path.isEmpty() ? "*" : path.get(0);
    if (path.size() == 1 && (first.isEmpty() || first.equals("health"))) {
      route[0] = "/" + first;
      requireMethod(method, "GET");
      if (first.isEmpty()) {
        page(answer);
      } else {
        health(answer);
      }
      return;
    }
    guard.requireKey(request);
    if (path.size() == 1 && first.equals("metrics")) {
      route[0] = "/metrics";
      requireMethod(method, "GET");
      String text = metrics.text(batch.counts(), batch.prefixStats(), sessions);
      answer.whole(
          OK, "text/plain; version=0.0.4; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
      return;
    }
    if (path.size() < 2 || !first.equals("v1")) {
      throw noSuchPath();
    }
    under(path.get(1), path.subList(2, path.size()), request, answer, route);
  }

  private void under(
      String second, List<String> rest, Request request, Answer answer, String[] route) {
    if (stopping) {
      throw HttpFailure.stopping();
    }
    String method = request.method();
    switch (second) {
      case "models" -> {
        route[0] = "/v1/models";
        requireMethod(method, "GET");
        models(rest, answer);
      }
      case "completions" -> {
        if (!rest.isEmpty()) {
          throw noSuchPath();
        }
        route[0] = "/v1/completions";
        requireMethod(method, "POST");
        completions.complete(request.json(), answer);
      }
      case "sessions" -> {
        // Names of sessions are no labels: there may be any number of them.
        route[0] = "/v1/sessions" + (rest.size() == 2 ? "/*" : "");
        sessionRoutes.answer(method, rest, request, answer);
      }
      default -> throw noSuchPath();
    }
  }

  private void models(List<String> rest, Answer answer) {
    ObjectNode model = JsonNodeFactory.instance.objectNode();
    model.put("id", served.name());
    model.put("object", "model");
    model.put("created", created);
    model.put("owned_by", "retention4j");
    if (rest.isEmpty()) {
      ObjectNode list = JsonNodeFactory.instance.objectNode();
      list.put("object", "list");
      list.putArray("data").add(model);
      answer.json(OK, list);
    } else if (rest.size() == 1 && rest.get(0).equals(served.name())) {
      answer.json(OK, model);
    } else {
      throw new HttpFailure(
          HttpFailure.NOT_FOUND,
          "model_not_found",
          "expected the model " + served.name() + ", got another");
    }
  }

  private void health(Answer answer) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    boolean works = batch.open();
    json.put("status", works ? "ok" : stopping ? "stopping" : "failed");
    json.put("model", served.name());
    answer.json(works ? OK : HttpFailure.UNAVAILABLE, json);
  }

  private static void page(Answer answer) {
    try (InputStream file = Routes.class.getResourceAsStream(PAGE)) {
      if (file == null) {
        throw new IllegalStateException("the artifact retention-server lacks its file " + PAGE);
      }
      answer.page(file.readAllBytes());
    } catch (IOException e) {
      throw new IllegalStateException("the page cannot be read", e);
    }
  }
}
