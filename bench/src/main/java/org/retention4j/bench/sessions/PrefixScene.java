package org.retention4j.bench.sessions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Workload;
import org.retention4j.cache.PrefixCache;
import org.retention4j.cache.PrefixCacheOptions;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/** Time to the first logits of a prompt whose beginning was read before, beside all of it. */
final class PrefixScene {
  /** Tokens behind the beginning that is cached. */
  static final int REST = 192;

  private static final int PIECE = 64;

  private final SessionEffort effort;
  private final SessionRows rows;

  PrefixScene(SessionEffort effort, SessionRows rows) {
    this.effort = effort;
    this.rows = rows;
  }

  void run(LanguageModel model, int[] prompt) {
    int beginning = (prompt.length - REST) / PIECE * PIECE;
    PrefixCacheOptions all =
        PrefixCacheOptions.DEFAULT
            .withPiece(PIECE)
            .withEnds(false)
            .withJunctions(false)
            .withEvery(beginning);
    float[] whole = new float[model.config().vocabulary()];
    float[] cached = new float[whole.length];
    try (PrefixCache cache = new PrefixCache(model, all);
        PrefixCache empty = new PrefixCache(model, all.withEvery(0))) {
      cache.read(Arrays.copyOf(prompt, beginning)).close();
      List<Samples> samples =
          Sampler.measure(
              List.of(
                  new Contender("all of it", () -> read(empty, prompt, whole)),
                  new Contender("its rest", () -> read(cache, prompt, cached))),
              effort.fewer());
      double error = 0;
      for (int i = 0; i < whole.length; i++) {
        error = Math.max(error, Math.abs(whole[i] - cached[i]));
      }
      rows.same("logits behind a prompt with and without its cached beginning", error);
      Workload work = Workload.NONE.prompt(prompt.length);
      rows.time("a prompt from its first token", work, samples.get(0), prompt.length, null);
      rows.ratio(
          "the same prompt, " + beginning + " of its tokens cached",
          work,
          samples.get(1),
          0,
          SessionRows.ratio(samples.get(1), samples.get(0)),
          "of the time to the first token",
          null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void read(PrefixCache cache, int[] prompt, float[] logits) {
    try (Session session = cache.read(prompt)) {
      session.logits(0, logits);
    }
  }
}
