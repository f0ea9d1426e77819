package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.Session;

/**
 * A server is killed, as by kill -9, while clients append to sessions, save them and ask for
 * completions: what was acknowledged as saved is there, and right.
 */
class KilledServerTest extends ServerFixture {
  private static final int CLIENTS = 3;
  private static final int PIECE = 7;
  private static final int LONGEST_MILLIS = 700;

  @TempDir Path folder;

  /** What a client was told. */
  private static final class Told {
    final AtomicLong appended = new AtomicLong();
    final AtomicLong saved = new AtomicLong();
    volatile Throwable failure;
  }

  @Test
  void whatWasAcknowledgedIsThere() throws Exception {
    assertThat(killed(3, new Random(11))).as("saves that were acknowledged").isPositive();
  }

  @Tag("slow")
  @Test
  void whatWasAcknowledgedIsThereAfterFiftyKills() throws Exception {
    long seed = System.nanoTime();
    try {
      assertThat(killed(50, new Random(seed))).as("saves that were acknowledged").isPositive();
    } catch (AssertionError e) {
      throw new AssertionError("with seed " + seed, e);
    }
  }

  /** Returns how many saves were acknowledged. */
  private long killed(int times, Random random) throws Exception {
    Told[] told = new Told[CLIENTS];
    Arrays.setAll(told, i -> new Told());
    long saves = 0;
    for (int i = 0; i < times; i++) {
      // One in four while it begins, the others while it works.
      saves += killOne(random.nextInt(4) > 0, random.nextInt(LONGEST_MILLIS), told);
      check(told);
    }
    assertThat(told).as("who saved something").anyMatch(each -> each.saved.get() > 0);
    return saves;
  }

  private static int[] piece(int client, long from) {
    return text(1000L * client + from / PIECE, PIECE);
  }

  private long killOne(boolean works, int millis, Told[] told) throws Exception {
    Process process = start();
    try {
      Client client = new Client(port(process));
      AtomicBoolean end = new AtomicBoolean();
      AtomicLong saves = new AtomicLong();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        threads.add(new Thread(() -> work(client, number, told[number], saves, end)));
      }
      threads.add(new Thread(() -> load(client, end)));
      threads.forEach(Thread::start);
      if (works) {
        await("a save", () -> saves.get() > 0 || !process.isAlive());
      }
      Thread.sleep(millis);
      process.destroyForcibly().waitFor();
      end.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      return saves.get();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  private Process start() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-Xmx512m"));
    command.addAll(List.of("-Djava.library.path=", "-cp", System.getProperty("java.class.path")));
    String cache = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (cache != null) {
      command.add(1, "-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }
    command.addAll(List.of(ServerProgram.class.getName(), folder.toString()));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static int port(Process process) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = lines.readLine();
    assertThat(line).as("the port").isNotNull();
    return Integer.parseInt(line);
  }

  /** Appends, and saves now and then, until the server is gone. */
  private static void work(
      Client client, int number, Told told, AtomicLong saves, AtomicBoolean end) {
    String path = "/v1/sessions/s" + number;
    try {
      Client.Reply there = client.get(path);
      if (there.status() == 404) {
        assertThat(told.saved.get()).as("saved, and gone").isZero();
        client.ok("/v1/sessions", "{\"name\":\"s" + number + "\"}");
        told.appended.set(0);
      } else {
        told.appended.set(there.json().get("position").longValue());
      }
      for (int i = 0; !end.get(); i++) {
        String body = "{\"prompt\":" + json(piece(number, told.appended.get())) + "}";
        told.appended.set(client.ok(path + "/append", body).get("position").longValue());
        if (i % 3 == 2) {
          JsonNode saved = client.ok(path + "/save", "");
          told.saved.set(saved.get("saved_position").longValue());
          saves.incrementAndGet();
        }
      }
    } catch (java.io.UncheckedIOException e) {
      // The server was killed.
    } catch (AssertionError e) {
      told.failure = e;
    }
  }

  private static void load(Client client, AtomicBoolean end) {
    try {
      while (!end.get()) {
        client.post("/v1/completions", "{\"prompt\":\"load\",\"max_tokens\":50}");
      }
    } catch (java.io.UncheckedIOException e) {
      // The server was killed.
    }
  }

  /** Another server, in this process, finds them; what they say next is what one alone says. */
  private void check(Told[] told) throws Exception {
    RetentionServer server = server(OPTIONS.withSessions(folder));
    Client client = new Client(server.address().getPort());
    for (int i = 0; i < CLIENTS; i++) {
      assertThat(told[i].failure).as("a request that was refused").isNull();
      Client.Reply reply = client.get("/v1/sessions/s" + i);
      if (reply.status() == 404) {
        assertThat(told[i].saved.get()).as("saved, and gone").isZero();
        continue;
      }
      long position = reply.json().get("position").longValue();
      assertThat(reply.json().get("saved_position").longValue()).isEqualTo(position);
      assertThat(position).as("position").isGreaterThanOrEqualTo(told[i].saved.get());
      assertThat(position % PIECE).as("whole appends only").isZero();
      if (position == 0) {
        continue;
      }
      JsonNode got =
          client.ok("/v1/sessions/s" + i + "/fork", "{\"name\":\"probe\"}").get("position");
      assertThat(got.longValue()).isEqualTo(position);
      String ten = "{\"max_tokens\":10,\"temperature\":0}";
      assertThat(client.ok("/v1/sessions/probe/generate", ten).at("/choices/0/text").textValue())
          .isEqualTo(expected(i, position));
      client.send("DELETE", "/v1/sessions/probe", null);
    }
    server.close();
  }

  private String expected(int number, long position) {
    try (Session session = model.newSession()) {
      for (long at = 0; at < position; at += PIECE) {
        session.append(piece(number, at));
      }
      GenerationOptions ten = GenerationOptions.DEFAULT.withMaxTokens(10);
      return new Generator(TOKENIZER)
          .resume(session, piece(number, position - PIECE), ten, piece -> {})
          .text();
    }
  }
}
