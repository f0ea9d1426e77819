package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Asks again and again over one connection, for completions or in a session of its own, and sees
 * whether each answer is what was asked for, or 429.
 */
final class LoadClient implements Runnable {
  private static final int OK = 200;
  private static final int CREATED = 201;
  private static final int REFUSED = 429;
  private static final String SESSIONS = "/v1/sessions";

  /** What half of the prompts begin with: more than a piece of the prefix cache. */
  private static final int[] COMMON = ServerFixture.text(0, 150);

  private final int port;
  private final String session;
  private final SplittableRandom random;
  private final long until;
  private final Seen seen;
  private KeptConnection connection;

  /** What all clients saw. */
  static final class Seen {
    final AtomicInteger completions = new AtomicInteger();
    final AtomicInteger sessions = new AtomicInteger();
    final AtomicInteger refusals = new AtomicInteger();
    final Queue<Throwable> faults = new ConcurrentLinkedQueue<>();
  }

  /**
   * Begins when it is run.
   *
   * @param session its name; null to ask for completions
   * @param until when nothing new is begun, as System.nanoTime tells it
   */
  LoadClient(int port, String session, SplittableRandom random, long until, Seen seen) {
    this.port = port;
    this.session = session;
    this.random = random;
    this.until = until;
    this.seen = seen;
  }

  @Override
  public void run() {
    try (KeptConnection own = new KeptConnection(port)) {
      connection = own;
      while (System.nanoTime() < until) {
        if (session == null) {
          complete();
        } else {
          talk();
        }
      }
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      seen.faults.add(e);
    }
  }

  private void complete() throws IOException, InterruptedException {
    boolean stream = random.nextBoolean();
    int common = random.nextBoolean() ? COMMON.length : 0;
    int[] prompt = ServerFixture.text(random.nextLong(), common + random.nextInt(1, 100));
    System.arraycopy(COMMON, 0, prompt, 0, common);
    String body = generate(prompt, random.nextInt(0, 80), stream, "\"n\":" + random.nextInt(1, 3));
    Client.Reply reply = ask("POST", "/v1/completions", body, OK);
    if (reply != null) {
      int choices = stream ? reply.events().size() : reply.json().at("/choices").size();
      assertThat(choices).as("%s", reply).isPositive();
      seen.completions.incrementAndGet();
    }
  }

  private static String generate(int[] prompt, int tokens, boolean stream, String more) {
    return "{\"prompt\":"
        + ServerFixture.json(prompt)
        + ",\"max_tokens\":"
        + tokens
        + ",\"stream\":"
        + stream
        + ","
        + more
        + "}";
  }

  /** One session from its begin to its end, which stands after each call where it should. */
  private void talk() throws IOException, InterruptedException {
    if (ask("POST", SESSIONS, named(session), CREATED) == null) {
      return;
    }
    long position = 0;
    for (int turn = 0; turn < 3 && System.nanoTime() < until; turn++) {
      position = append(position);
      position = generate(position);
      if (ask("POST", path("/save"), "", OK) != null) {
        JsonNode saved = ask("GET", path(""), "", OK).json();
        assertThat(saved.get("position").longValue()).isEqualTo(position);
        assertThat(saved.get("saved_position").longValue()).isEqualTo(position);
      }
      if (random.nextInt(3) == 0) {
        fork(position);
      }
    }
    assertThat(ask("DELETE", path(""), "", OK)).isNotNull();
    seen.sessions.incrementAndGet();
  }

  private static String named(String name) {
    return "{\"name\":\"" + name + "\"}";
  }

  private String path(String what) {
    return SESSIONS + "/" + session + what;
  }

  /** Returns where it stands. */
  private long append(long position) throws IOException, InterruptedException {
    int[] prompt = ServerFixture.text(random.nextLong(), random.nextInt(1, 200));
    String expected = "{\"expected_position\":" + position + ",\"prompt\":";
    Client.Reply reply =
        ask("POST", path("/append"), expected + ServerFixture.json(prompt) + "}", OK);
    if (reply == null) {
      return position;
    }
    long now = position + prompt.length;
    assertThat(reply.json().get("position").longValue()).as("%s", reply).isEqualTo(now);
    return now;
  }

  private long generate(long position) throws IOException, InterruptedException {
    int[] prompt = ServerFixture.text(random.nextLong(), random.nextInt(1, 40));
    boolean stream = random.nextBoolean();
    String expected = "\"expected_position\":" + position;
    String body = generate(prompt, random.nextInt(0, 80), stream, expected);
    Client.Reply reply = ask("POST", path("/generate"), body, OK);
    if (reply == null) {
      return position;
    }
    List<JsonNode> events = stream ? reply.events() : List.of(reply.json());
    JsonNode last = events.get(events.size() - 1);
    long now = position + prompt.length + last.at("/usage/completion_tokens").intValue();
    assertThat(last.at("/session/position").longValue()).as("%s", reply).isEqualTo(now);
    return now;
  }

  private void fork(long position) throws IOException, InterruptedException {
    String fork = session + "-fork";
    Client.Reply reply = ask("POST", path("/fork"), named(fork), CREATED);
    if (reply != null) {
      assertThat(reply.json().get("position").longValue()).isEqualTo(position);
      assertThat(ask("DELETE", SESSIONS + "/" + fork, "", OK)).isNotNull();
    }
  }

  /** Returns the answer, or null for 429. */
  private Client.Reply ask(String method, String path, String body, int status)
      throws IOException, InterruptedException {
    Client.Reply reply = connection.send(method, path, body);
    if (reply.status() == REFUSED) {
      seen.refusals.incrementAndGet();
      Thread.sleep(random.nextInt(20)); // and some do not wait
      return null;
    }
    if (reply.status() != status) {
      throw new IOException(
          "expected " + status + " or 429 of " + method + " " + path + ", got " + reply);
    }
    return reply;
  }
}
