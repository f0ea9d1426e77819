package org.retention4j.bench.sessions;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.retention4j.batch.BatchOptions;
import org.retention4j.batch.BatchTicket;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics.Interval;
import org.retention4j.bench.report.Workload;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.text.Tokenizer;

/**
 * Many clients of a continuous batch beside a static batch of as many rows, which has neither
 * newcomers nor unequal ends; and how long one waits who comes while others write.
 */
final class BatchScene {
  private static final int PROMPT = 32;
  private static final int TOKENS = 128;
  private static final int WRITERS = 8;
  private static final int NEWCOMER = 512;
  private static final int ENDLESS = 1 << 20;

  private final SessionEffort effort;
  private final SessionRows rows;

  BatchScene(SessionEffort effort, SessionRows rows) {
    this.effort = effort;
    this.rows = rows;
  }

  void run(LanguageModel model, Tokenizer tokenizer, int[] text, long seed) {
    clients(model, tokenizer, text, seed);
    newcomer(model, tokenizer, text);
  }

  private void clients(LanguageModel model, Tokenizer tokenizer, int[] text, long seed) {
    int count = effort.clients();
    Clients once = new Clients(text, count, 1, PROMPT, TOKENS, false, seed);
    Clients again = new Clients(text, count, effort.turns(), PROMPT, TOKENS, true, seed);
    try (ContinuousBatch batch =
        new ContinuousBatch(model, tokenizer, BatchOptions.DEFAULT.withSequences(count))) {
      List<Samples> samples =
          Sampler.measure(
              List.of(
                  new Contender("static", () -> fixed(model, text, count)),
                  new Contender("at once", () -> once.serve(batch)),
                  new Contender("again", () -> again.serve(batch))),
              new Sampler.Plan(4 * effort.warmUpSeconds(), effort.fewer().rounds(), 1));
      Workload work = Workload.NONE.prompt(PROMPT).generate(TOKENS, null).batch(count);
      double tokens = (double) count * TOKENS;
      rows.time("a static batch", work, samples.get(0), tokens, "prompts read at once");
      String to = "of the static batch's speed";
      rows.ratio(
          "clients that come at once",
          work,
          samples.get(1),
          once.tokens(),
          SessionRows.ratio(samples.get(0), samples.get(1)),
          to,
          null);
      double scale = again.tokens() / tokens;
      Interval ratio = SessionRows.ratio(samples.get(0), samples.get(2));
      rows.ratio(
          "clients that come again",
          work,
          samples.get(2),
          again.tokens(),
          new Interval(scale * ratio.low(), scale * ratio.median(), scale * ratio.high()),
          to,
          "lengths of half to one and a half of these, " + effort.turns() + " turns each");
    }
  }

  /** Reads all prompts at once and goes on with all rows to the end. */
  private static void fixed(LanguageModel model, int[] text, int count) {
    int[][] prompts = new int[count][];
    Arrays.setAll(prompts, i -> Arrays.copyOfRange(text, 7 * i, 7 * i + PROMPT));
    float[] logits = new float[model.config().vocabulary()];
    int[] tokens = new int[count];
    try (Session session = model.newSession(count, SessionOptions.DEFAULT)) {
      session.append(prompts);
      for (int i = 0; i < TOKENS; i++) {
        for (int row = 0; row < count; row++) {
          session.logits(row, logits);
          tokens[row] = Greedy.choose(logits);
        }
        session.step(tokens);
      }
    }
  }

  private void newcomer(LanguageModel model, Tokenizer tokenizer, int[] text) {
    BatchOptions options = BatchOptions.DEFAULT.withSequences(WRITERS + 1);
    List<BatchTicket> writers = new ArrayList<>();
    try (ContinuousBatch empty = new ContinuousBatch(model, tokenizer, options);
        ContinuousBatch busy = new ContinuousBatch(model, tokenizer, options)) {
      Contender alone = new Contender("alone", () -> first(empty, text));
      Contender beside =
          new Contender(
              "beside",
              () -> {
                while (writers.size() < WRITERS) {
                  Newcomer writer = new Newcomer();
                  writers.add(writer.come(busy, text, PROMPT, ENDLESS));
                  writer.awaitFirst();
                }
              },
              () -> first(busy, text));
      // Apart: those who write would take the processors of the one that is alone.
      Samples quiet = Sampler.measure(alone, effort.plan());
      Samples loud = Sampler.measure(beside, effort.plan());
      writers.forEach(BatchTicket::cancel);
      Workload work = Workload.NONE.prompt(NEWCOMER).generate(1, null);
      rows.time("first token of one that comes alone", work, quiet, 0, null);
      rows.ratio(
          "first token of one that comes while " + WRITERS + " write",
          work.batch(WRITERS + 1),
          loud,
          0,
          SessionRows.ratio(loud, quiet),
          "of the time alone",
          null);
    }
  }

  private static void first(ContinuousBatch batch, int[] text) {
    Newcomer newcomer = new Newcomer();
    newcomer.come(batch, text, NEWCOMER, 1);
    newcomer.awaitEnd();
  }
}
