package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.text.SamplingOptions;

/** Named sessions: what they give, and that they outlive the server. */
class ServerSessionsTest extends ServerFixture {
  private static final String TEN = "{\"max_tokens\":10,\"temperature\":0,\"logprobs\":0}";

  @TempDir Path folder;

  private ServerOptions stored() {
    return OPTIONS.withSessions(folder);
  }

  private static String named(String name) {
    return "{\"name\":\"" + name + "\"}";
  }

  private static String prompt(int... tokens) {
    return "{\"prompt\":" + json(tokens) + "}";
  }

  private static long position(JsonNode session) {
    return session.get("position").longValue();
  }

  @Test
  void goesOnWhereItStood() {
    Client client = client(OPTIONS);
    JsonNode made = client.ok("/v1/sessions", named("talk"));
    assertThat(position(made)).isZero();
    assertThat(made.get("saved_position").isNull()).isTrue();
    int[] first = text(1, 90);
    assertThat(position(client.ok("/v1/sessions/talk/append", prompt(first)))).isEqualTo(90);
    JsonNode generated = client.ok("/v1/sessions/talk/generate", TEN);
    assertThat(generated.at("/choices/0/text").textValue())
        .isEqualTo(alone(first, 10, SamplingOptions.DEFAULT).text());
    assertThat(generated.at("/session/position").longValue()).isEqualTo(100);
    assertThat(position(client.ok("/v1/sessions/talk/append", prompt(5)))).isEqualTo(101);
    assertThat(position(client.get("/v1/sessions/talk").json())).isEqualTo(101);
    // The same as a prompt of all that it has read.
    StringBuilder all = new StringBuilder(json(first).replace("]", ""));
    generated.at("/choices/0/logprobs/token_ids").forEach(id -> all.append(',').append(id));
    String whole = "{\"prompt\":" + all + ",5],\"max_tokens\":10,\"temperature\":0}";
    assertThat(client.ok("/v1/sessions/talk/generate", TEN).at("/choices/0/text"))
        .isEqualTo(client.ok("/v1/completions", whole).at("/choices/0/text"));
  }

  @Test
  void forksGoTheirOwnWays() {
    Client client = client(OPTIONS);
    client.ok("/v1/sessions", named("a"));
    client.ok("/v1/sessions/a/append", prompt(text(1, 30)));
    assertThat(position(client.ok("/v1/sessions/a/fork", named("b")))).isEqualTo(30);
    JsonNode first = client.ok("/v1/sessions/a/generate", TEN).at("/choices/0/text");
    client.ok("/v1/sessions/a/append", prompt(text(2, 30)));
    assertThat(client.ok("/v1/sessions/b/generate", TEN).at("/choices/0/text")).isEqualTo(first);
    JsonNode list = client.get("/v1/sessions").json().get("data");
    assertThat(list).hasSize(2);
    assertThat(list.get(0).get("name").textValue()).isEqualTo("a");
    assertThat(position(list.get(0))).isEqualTo(70);
    assertThat(client.send("DELETE", "/v1/sessions/a", null).json().get("deleted").booleanValue())
        .isTrue();
    assertThat(client.get("/v1/sessions/a").status()).isEqualTo(404);
    assertThat(client.post("/v1/sessions", named("b")).status()).isEqualTo(409);
  }

  /** What is repeated with the position that it was meant for is done once. */
  @Test
  void whatIsMeantForAnotherPositionIsRefused() {
    Client client = client(OPTIONS);
    client.ok("/v1/sessions", named("s"));
    String first = "{\"prompt\":[1,2,3],\"expected_position\":0}";
    assertThat(position(client.ok("/v1/sessions/s/append", first))).isEqualTo(3);
    for (String what : List.of("append", "generate")) {
      Client.Reply again = client.post("/v1/sessions/s/" + what, first);
      assertThat(again.status()).as(what).isEqualTo(409);
      assertThat(again.message()).isEqualTo("expected the session s at position 0, got it at 3");
      assertThat(again.json().at("/error/code").textValue()).isEqualTo("position_differs");
      assertThat(again.json().at("/error/position").longValue()).isEqualTo(3);
    }
    assertThat(position(client.get("/v1/sessions/s").json())).isEqualTo(3);
    String next = "{\"max_tokens\":4,\"expected_position\":3}";
    assertThat(client.ok("/v1/sessions/s/generate", next).at("/session/position").longValue())
        .isEqualTo(7);
    for (String bad : List.of("-1", "\"7\"", "1.5", "true")) {
      String body = "{\"prompt\":[1],\"expected_position\":" + bad + "}";
      assertThat(client.post("/v1/sessions/s/append", body).status()).as(bad).isEqualTo(400);
    }
    // Outside of sessions there is no position.
    assertThat(client.post("/v1/completions", first).status()).isEqualTo(400);
  }

  @Test
  void restoresWhatWasSaved() {
    Client client = client(stored());
    client.ok("/v1/sessions", named("s"));
    assertThat(client.post("/v1/sessions/s/restore", "").message())
        .isEqualTo("expected a session that was saved, got s, which never was");
    client.ok("/v1/sessions/s/append", prompt(text(1, 40)));
    JsonNode saved = client.ok("/v1/sessions/s/save", "");
    assertThat(saved.get("saved_position").longValue()).isEqualTo(40);
    assertThat(saved.get("unsaved_changes").booleanValue()).isFalse();
    JsonNode expected = client.ok("/v1/sessions/s/generate", TEN).get("choices");
    assertThat(client.get("/v1/sessions/s").json().get("unsaved_changes").booleanValue()).isTrue();
    assertThat(position(client.ok("/v1/sessions/s/restore", ""))).isEqualTo(40);
    assertThat(client.ok("/v1/sessions/s/generate", TEN).get("choices")).isEqualTo(expected);
  }

  /**
   * What was saved may be gone or be another's since: an acknowledged save is there all the same.
   */
  @Test
  void aSaveIsWhatIsThere() throws IOException {
    Client client = client(stored());
    client.ok("/v1/sessions", named("s"));
    client.ok("/v1/sessions/s/append", prompt(text(1, 40)));
    client.ok("/v1/sessions/s/save", "");
    Path file = folder.resolve("s.session");
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    client.ok("/v1/sessions/s/save", "");
    assertThat(file).hasBinaryContent(bytes);
    byte[] flipped = bytes.clone();
    flipped[bytes.length - 50] ^= 1;
    for (byte[] other : List.of("something else".getBytes(StandardCharsets.UTF_8), flipped)) {
      Files.write(file, other);
      client.ok("/v1/sessions/s/save", "");
      assertThat(file).hasBinaryContent(bytes);
    }
    Files.copy(file, folder.resolve("foreign.session"));
    assertThat(client.post("/v1/sessions", named("foreign")).message())
        .isEqualTo("expected a name that no session has, got foreign");
    assertThat(client.post("/v1/sessions", named("S")).status()).isEqualTo(409);
    assertThat(client.get("/v1/sessions/S").status()).isEqualTo(404);
    assertThat(folder.resolve("foreign.session")).hasBinaryContent(bytes);
  }

  /** At the end all is saved; the next server says where each stands, and goes on to the bit. */
  @Test
  void outlivesTheServer() throws IOException {
    RetentionServer server = server(stored());
    Client client = new Client(server.address().getPort());
    client.ok("/v1/sessions", named("kept"));
    client.ok("/v1/sessions/kept/append", prompt(text(1, 77)));
    client.ok("/v1/sessions/kept/fork", named("other"));
    JsonNode expected = client.ok("/v1/sessions/other/generate", TEN).get("choices");
    client.send("DELETE", "/v1/sessions/other", null);
    server.close();
    Files.writeString(folder.resolve(".kept.session.12ab.tmp"), "half-written");
    Client next = client(stored());
    assertThat(folder.resolve(".kept.session.12ab.tmp")).doesNotExist();
    JsonNode list = next.get("/v1/sessions").json().get("data");
    assertThat(list).hasSize(1);
    assertThat(position(list.get(0))).isEqualTo(77);
    assertThat(list.get(0).get("saved_position").longValue()).isEqualTo(77);
    assertThat(list.get(0).get("bytes_in_memory").longValue()).isZero();
    assertThat(next.ok("/v1/sessions/kept/generate", TEN).get("choices")).isEqualTo(expected);
  }

  @Test
  void savesByItselfAndLeavesTheMemory() throws InterruptedException {
    Client client = client(stored().withSaving(Duration.ofMillis(300), Duration.ofSeconds(3)));
    client.ok("/v1/sessions", named("s"));
    client.ok("/v1/sessions/s/append", prompt(text(1, 40)));
    await(
        "saved", () -> !client.get("/v1/sessions/s").json().get("unsaved_changes").booleanValue());
    JsonNode session = client.get("/v1/sessions/s").json();
    assertThat(session.get("saved_position").longValue()).isEqualTo(40);
    await("unloaded", () -> client.metric("retention_sessions_loaded") == 0);
    assertThat(position(client.ok("/v1/sessions/s/append", prompt(1)))).isEqualTo(41);
  }

  @Test
  void namesCannotLeaveTheFolder() throws IOException {
    Client client = client(stored());
    for (String name :
        List.of(
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\\\b",
            "/x",
            ".hidden",
            "a b",
            "a\\u0000",
            "é",
            "x".repeat(65))) {
      Client.Reply reply = client.post("/v1/sessions", named(name));
      assertThat(reply.status()).as(name).isEqualTo(400);
      assertThat(reply.message()).startsWith("expected a name of 1 to 64 letters");
    }
    assertThat(client.post("/v1/sessions", "{}").message()).isEqualTo("expected a name, got none");
    assertThat(client.get("/v1/sessions/..%2Fx").status()).isEqualTo(400);
    assertThat(client.get("/v1/sessions/%2e%2e").status()).isEqualTo(400);
    assertThat(client.post("/v1/sessions/a%2Fb/save", "").status()).isEqualTo(400);
    assertThat(client.get("/v1/sessions/absent").message())
        .isEqualTo("expected the name of a session, got absent");
    Path outside = Files.createTempFile("outside", null);
    try {
      Files.createSymbolicLink(folder.resolve("link.session"), outside);
      assertThat(client.post("/v1/sessions", named("link")).message())
          .contains("expected a regular file or none for the session link");
      client.ok("/v1/sessions", named("s"));
      client.ok("/v1/sessions/s/append", prompt(1));
      client.ok("/v1/sessions/s/save", "");
      Files.delete(folder.resolve("s.session"));
      Files.createSymbolicLink(folder.resolve("s.session"), outside);
      client.ok("/v1/sessions/s/append", prompt(1));
      for (String what : List.of("save", "restore")) {
        assertThat(client.post("/v1/sessions/s/" + what, "").status()).as(what).isEqualTo(409);
      }
      assertThat(Files.size(outside)).isZero();
    } finally {
      Files.delete(outside);
    }
  }

  @Test
  void oneServerAFolder() {
    RetentionServer server = server(stored());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> server(stored()))
        .withMessage("expected a folder of sessions that no other server uses, got " + folder);
    server.close();
    server(stored());
  }

  /** States for so many sequences fit nowhere; port, folder and threads are free again. */
  @Test
  void aServerThatCannotBeginLeavesNothing() throws InterruptedException {
    ServerOptions tooMany =
        stored().withBatch(OPTIONS.batch().withSequences(Integer.MAX_VALUE).withWaiting(0));
    assertThatThrownBy(() -> server(tooMany)).isNotNull();
    Set<String> own = Set.of("retention-sessions", "retention-batch", "retention-clients");
    await(
        "threads have ended",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> own.contains(thread.getName())));
    server(stored());
  }

  @Test
  void aFolderThatTakesNoFilesIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    for (Path bad : List.of(file, file.resolve("child"), Path.of("/proc/self"))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> server(OPTIONS.withSessions(bad)))
          .withMessageStartingWith(
              "expected a folder for sessions that can be written, got " + bad);
    }
  }

  /** As with a full disk: the session is whole, in memory, and can be saved later. */
  @Test
  void whatCannotBeWrittenIsKept() throws IOException {
    Path own = folder.resolve("own");
    Client client = client(OPTIONS.withSessions(own));
    client.ok("/v1/sessions", named("s"));
    client.ok("/v1/sessions/s/append", prompt(text(1, 20)));
    Path aside = folder.resolve("aside");
    Files.move(own, aside);
    Client.Reply reply = client.post("/v1/sessions/s/save", "");
    assertThat(reply.status()).isEqualTo(507);
    assertThat(reply.message()).startsWith("cannot write the session s: ");
    assertThat(client.metric("retention_session_save_failures_total")).isEqualTo(1);
    assertThat(position(client.ok("/v1/sessions/s/append", prompt(1)))).isEqualTo(21);
    Files.move(aside, own);
    assertThat(client.ok("/v1/sessions/s/save", "").get("saved_position").longValue())
        .isEqualTo(21);
  }

  @Test
  void damagedAndForeignFilesAreRefusedByName() throws IOException {
    try (Engine engine = newEngine();
        LanguageModel other = newModel(engine, 99);
        Session session = other.newSession()) {
      session.append(1, 2, 3);
      session.save(folder.resolve("foreign.session"));
    }
    try (Session session = model.newSession()) {
      session.append(1, 2, 3);
      session.save(folder.resolve("cut.session"));
      session.save(folder.resolve("bare.session"));
    }
    byte[] bytes = Files.readAllBytes(folder.resolve("cut.session"));
    Files.write(folder.resolve("cut.session"), java.util.Arrays.copyOf(bytes, bytes.length - 9));
    Files.writeString(folder.resolve("text.session"), "no snapshot");
    Client client = client(stored());
    assertThat(client.get("/v1/sessions").json().get("data")).hasSize(4);
    assertThat(client.get("/v1/sessions/text").json().get("position").isNull()).isTrue();
    assertThat(client.get("/v1/sessions/bare").json().get("position").longValue()).isEqualTo(3);
    for (String name : List.of("cut", "text", "foreign")) {
      Client.Reply reply = client.post("/v1/sessions/" + name + "/generate", TEN);
      assertThat(reply.status()).as(name).isEqualTo(409);
      assertThat(reply.message()).startsWith("the session " + name + " cannot be restored: ");
      assertThat(client.post("/v1/sessions/" + name + "/save", "").status())
          .as(name)
          .isEqualTo(409);
    }
    Files.delete(folder.resolve("text.session"));
    for (String what : List.of("append", "save", "restore")) {
      Client.Reply reply =
          client.post("/v1/sessions/text/" + what, what.equals("append") ? prompt(1) : "");
      assertThat(reply.status()).as(what).isEqualTo(409);
    }
    // One without its tokens goes on too.
    assertThat(position(client.ok("/v1/sessions/bare/append", prompt(4)))).isEqualTo(4);
    client.ok("/v1/sessions/bare/save", "");
  }

  @Test
  void numbersAndMemoryOfSessionsAreLimited() {
    ServerLimits two = new ServerLimits(2000, 300, 100, 2, Duration.ofSeconds(30), 2, 1 << 30, 150);
    Client client = client(OPTIONS.withLimits(two));
    client.ok("/v1/sessions", named("a"));
    client.ok("/v1/sessions", named("b"));
    Client.Reply third = client.post("/v1/sessions", named("c"));
    assertThat(third.status()).isEqualTo(429);
    assertThat(third.message()).isEqualTo("expected fewer than 2 sessions, got 2");
    assertThat(client.post("/v1/sessions/a/fork", named("c")).status()).isEqualTo(429);
    assertThat(client.post("/v1/sessions/a/append", prompt(text(1, 151))).message())
        .startsWith("expected a session of at most 150 tokens, got 151");
    assertThat(client.post("/v1/sessions/a/generate", TEN).message())
        .isEqualTo("expected a prompt, got none");
    assertThat(client.post("/v1/sessions/a/generate", "{\"prompt\":[1],\"n\":2}").message())
        .isEqualTo("expected n of 1 in a session, got 2");
    assertThat(client.post("/v1/sessions/a/append", "{}").message())
        .isEqualTo("expected a prompt, got none");
    assertThat(client.post("/v1/sessions/a/save", "").message())
        .isEqualTo("expected a server with a folder for sessions (--sessions), got one without");
    assertThat(client.post("/v1/sessions/a/save", "{\"x\":1}").status()).isEqualTo(400);
    long one = client.get("/v1/sessions/a").json().get("bytes_in_memory").longValue();
    ServerLimits small =
        new ServerLimits(2000, 300, 100, 2, Duration.ofSeconds(30), 9, 2 * one + 99_999, 150);
    Client without = client(OPTIONS.withLimits(small));
    Client with = client(stored().withLimits(small));
    without.ok("/v1/sessions", named("a"));
    with.ok("/v1/sessions", named("a"));
    int refused = 0;
    for (int i = 0; i < 8; i++) {
      Client.Reply reply = without.post("/v1/sessions", named("n" + i));
      refused += reply.status() == 429 ? 1 : 0;
      with.ok("/v1/sessions", named("n" + i));
    }
    assertThat(refused).as("refused of 8 beside the first, without a folder").isPositive();
    assertThat(with.metric("retention_session_bytes")).isLessThanOrEqualTo(2 * one + 99_999);
    assertThat(position(with.ok("/v1/sessions/a/append", prompt(1)))).isEqualTo(1);
  }

  @Test
  void aBusySessionIsRefused() throws InterruptedException {
    ServerLimits limits =
        new ServerLimits(
            2000, 50, 100_000_000, 2, Duration.ofSeconds(2), 3, 1 << 30, 1_000_000_000);
    Client client = client(stored().withLimits(limits));
    client.ok("/v1/sessions", named("s"));
    client.ok("/v1/sessions/s/append", prompt(1, 2));
    client.ok("/v1/sessions/s/save", "");
    Thread busy =
        new Thread(() -> client.ok("/v1/sessions/s/generate", "{\"max_tokens\":100000000}"));
    busy.start();
    await("writing", () -> client.metric("retention_sequences{state=\"writing\"}") == 1);
    for (String what : List.of("restore", "save", "append", "generate", "fork")) {
      Client.Reply reply = client.post("/v1/sessions/s/" + what, "");
      assertThat(reply.status()).as(what).isEqualTo(409);
      assertThat(reply.message())
          .isEqualTo("expected a session that no other request uses, got s, which is busy");
    }
    assertThat(client.send("DELETE", "/v1/sessions/s", null).status()).isEqualTo(409);
    busy.join();
    // Ended by the limit of time: what was written by then is the session's.
    assertThat(position(client.get("/v1/sessions/s").json())).isGreaterThan(2);
    assertThat(position(client.ok("/v1/sessions/s/restore", ""))).isEqualTo(2);
  }
}
