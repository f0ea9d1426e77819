package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.retention4j.batch.BatchOptions;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation.End;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.text.Tokenizer;

/**
 * Several answers to a prompt that is read once, which is cancelled or stopped before they begin.
 */
@Timeout(120)
class DividedCompletionsTest extends ServerFixture {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static CompletionRun run(ContinuousBatch batch, int length) {
    GenerationOptions five = GenerationOptions.DEFAULT.withMaxTokens(5);
    BatchRequest text = BatchRequest.of(text(1, length), five);
    CompletionRequest two = new CompletionRequest(text.prompt(), five, 2, -1, false, false);
    return new CompletionRun(batch, text, two, PATIENCE);
  }

  /** Returns how the choices end, and sees that nothing else comes. */
  private static List<End> ends(CompletionRun run) throws InterruptedException {
    List<End> ends = new ArrayList<>();
    while (!run.done()) {
      Optional<Event> event = run.next(20);
      if (event.isPresent()) {
        assertThat(event.get()).isInstanceOf(Event.End.class);
        ends.add(((Event.End) event.get()).generation().end());
      }
    }
    return ends;
  }

  @Test
  void whoIsCancelledWhileItsPromptWaitsIsCancelled() throws Exception {
    BatchOptions one = BatchOptions.DEFAULT.withSequences(1);
    try (ContinuousBatch batch = new ContinuousBatch(model, TOKENIZER, one);
        CompletionRun other = run(batch, 200_000);
        CompletionRun run = run(batch, 3)) {
      run.cancel();
      assertThat(ends(run)).containsExactly(End.CANCELLED, End.CANCELLED);
      assertThat(other.done()).isFalse();
    }
  }

  @Test
  void whoIsCancelledWhileItsPromptIsReadIsCancelled() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, TOKENIZER, BatchOptions.DEFAULT);
        CompletionRun run = run(batch, 200_000)) {
      await("it is read", () -> batch.counts().promptTokens() > 0);
      run.cancel();
      assertThat(ends(run)).containsExactly(End.CANCELLED, End.CANCELLED);
    }
  }

  /** What was read by then is not continued. */
  @Test
  void whosePromptIsReadWhenTheBatchIsClosedIsCancelled() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, TOKENIZER, BatchOptions.DEFAULT);
        CompletionRun run = run(batch, 200_000)) {
      await("it is read", () -> batch.counts().promptTokens() > 0);
      batch.close();
      assertThat(ends(run)).containsExactly(End.CANCELLED, End.CANCELLED);
    }
  }

  @Test
  void whosePromptIsReadWhenTheServerIsClosedIsAnswered() throws Exception {
    RetentionServer server = server(OPTIONS.withGrace(PATIENCE));
    Client client = new Client(server.address().getPort());
    String body = "{\"prompt\":" + json(text(1, 30_000)) + ",\"max_tokens\":3,\"n\":2}";
    CompletableFuture<Client.Reply> reply =
        CompletableFuture.supplyAsync(() -> client.post("/v1/completions", body));
    await("it is read", () -> client.metric("retention_sequences{state=\"reading\"}") == 1);
    assertThat(client.metric("retention_sequences{state=\"waiting\"}")).isEqualTo(2);
    server.close();
    Client.Reply got = reply.get(60, TimeUnit.SECONDS);
    assertThat(got.status()).isEqualTo(200);
    assertThat(got.json().at("/choices/0/finish_reason").textValue())
        .as("%s", got)
        .isEqualTo("length");
    assertThat(got.json().at("/usage/completion_tokens").intValue()).as("%s", got).isEqualTo(6);
  }

  @Test
  void roomIsGivenBackWhateverIsThrown() {
    Tokenizer broken =
        new Tokenizer() {
          @Override
          public int[] encode(String text) {
            throw new AssertionError("of a tokenizer");
          }

          @Override
          public String decode(int[] tokens) {
            throw new AssertionError("of a tokenizer");
          }

          @Override
          public int vocabulary() {
            return VOCABULARY;
          }
        };
    try (ContinuousBatch batch = new ContinuousBatch(model, broken, BatchOptions.DEFAULT)) {
      assertThatThrownBy(() -> run(batch, 3)).isInstanceOf(AssertionError.class);
      assertThat(batch.counts().waiting()).isZero();
    }
  }
}
