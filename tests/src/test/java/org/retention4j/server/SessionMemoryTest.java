package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.Snapshot;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Sessions whose caches grow: all that they hold counts, and is asked for before it is there. */
class SessionMemoryTest extends ServerFixture {
  /** Keys and values of a token in two layers of two heads of 8 numbers. */
  private static final long TOKEN_BYTES = 2 * 2 * 2 * 8 * Float.BYTES;

  @TempDir Path folder;

  @Override
  LanguageModel model(Engine engine) {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(
            new AttentionConfig(32, 4, 2, 8, 10_000, Integer.MAX_VALUE, true), 40, Activation.SILU);
    DecoderConfig config =
        DecoderConfig.of(VOCABULARY, 32, DecoderConfig.everyKth(4, retention, 2, attention));
    return LanguageModel.random(engine, config, WeightType.FLOAT32, 4);
  }

  private static ServerOptions limited(ServerOptions options, long bytes) {
    return options.withLimits(
        new ServerLimits(1 << 20, 5000, 5000, 2, Duration.ofSeconds(30), 9, bytes, 20_000));
  }

  private static String tokens(int count) {
    return "{\"prompt\":" + json(text(count, count)) + "}";
  }

  private static long bytes(Client client, String name) {
    return client.get("/v1/sessions/" + name).json().get("bytes_in_memory").longValue();
  }

  private static void create(Client client, String... names) {
    for (String name : names) {
      client.ok("/v1/sessions", "{\"name\":\"" + name + "\"}");
    }
  }

  @Test
  void statesLogitsAndTokensCount() {
    Client client = client(OPTIONS);
    create(client, "s");
    client.ok("/v1/sessions/s/append", tokens(70));
    long states;
    try (Session session = model.newSession()) {
      session.append(text(70, 70));
      try (Snapshot snapshot = session.snapshot(0)) {
        states = snapshot.bytes();
      }
    }
    assertThat(bytes(client, "s")).isEqualTo(states + 4 * VOCABULARY + 4 * 70);
    assertThat(client.metric("retention_session_bytes")).isEqualTo(bytes(client, "s"));
  }

  /** What would not fit is refused before any of it is read, and leaves the session as it was. */
  @Test
  void growthIsAskedForBeforeItIsThere() {
    Client client = client(limited(OPTIONS, 1_000_000));
    create(client, "a", "b");
    client.ok("/v1/sessions/a/append", tokens(10));
    client.ok("/v1/sessions/b/append", tokens(10));
    double read = client.metric("retention_prompt_tokens_total");
    long before = bytes(client, "a");
    // Alone more than the limit, which no waiting mends.
    assertThat(5000 * TOKEN_BYTES).isGreaterThan(1_000_000);
    Client.Reply alone = client.post("/v1/sessions/a/append", tokens(5000));
    assertThat(alone.status()).isEqualTo(400);
    assertThat(alone.message())
        .startsWith("expected a session of at most 1000000 bytes, got one that takes ");
    Client.Reply later =
        client.post("/v1/sessions/a/generate", "{\"prompt\":[1],\"max_tokens\":5000}");
    assertThat(later.status()).isEqualTo(400);
    // Beside another.
    client.ok("/v1/sessions/b/append", tokens(2500));
    read += 2500;
    Client.Reply beside = client.post("/v1/sessions/a/append", tokens(2500));
    assertThat(beside.status()).isEqualTo(429);
    assertThat(beside.message())
        .startsWith("expected sessions of at most 1000000 bytes in memory, got ");
    assertThat(client.metric("retention_prompt_tokens_total")).isEqualTo(read);
    assertThat(bytes(client, "a")).isEqualTo(before);
    // What was asked for and refused, or not taken, is given back.
    client.ok("/v1/sessions/a/generate", "{\"max_tokens\":1,\"temperature\":0}");
    assertThat(client.metric("retention_session_bytes")).isLessThan(1_000_000);
  }

  @Test
  void othersMakeRoomWhereThereIsAFolder() {
    Client client = client(limited(OPTIONS.withSessions(folder), 1_000_000));
    create(client, "a", "b");
    client.ok("/v1/sessions/a/append", tokens(2500));
    client.ok("/v1/sessions/b/append", tokens(2500));
    assertThat(bytes(client, "a")).isZero();
    assertThat(client.metric("retention_session_bytes")).isLessThan(1_000_000);
    JsonNode more = client.ok("/v1/sessions/a/append", tokens(1));
    assertThat(more.get("position").longValue()).isEqualTo(2501);
    assertThat(bytes(client, "b")).isZero();
    // Going back to what was saved needs no room beside what is there.
    client.ok("/v1/sessions/a/save", "");
    client.ok("/v1/sessions/a/restore", "");
    assertThat(client.ok("/v1/sessions/b/append", tokens(1)).get("position").longValue())
        .isEqualTo(2501);
  }

  @Test
  void whatIsReservedIsEnough() {
    SessionMemory memory =
        new SessionMemory(model, OPTIONS.batch().session(), 1, java.util.List.of(), s -> {});
    for (int length : new int[] {1, 63, 64, 65, 300, 1000}) {
      try (Session session = model.newSession()) {
        session.append(text(length, length));
        try (Snapshot snapshot = session.snapshot(0)) {
          long taken = memory.bytes(snapshot, text(length, length));
          assertThat(memory.bytesAt(length)).as("%d tokens", length).isEqualTo(taken);
        }
      }
    }
  }

  /** What was said is its owner's. */
  @Test
  void filesAreTheirOwnersAlone() throws Exception {
    Path own = folder.resolve("talks");
    Client client = client(OPTIONS.withSessions(own));
    create(client, "s");
    client.ok("/v1/sessions/s/save", "");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own)))
        .isEqualTo("rwx------");
    for (String file : new String[] {"s.session", ".lock"}) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own.resolve(file))))
          .as(file)
          .isEqualTo("rw-------");
    }
  }
}
