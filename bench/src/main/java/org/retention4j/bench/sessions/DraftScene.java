package org.retention4j.bench.sessions;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Workload;
import org.retention4j.draft.DraftedSession;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/**
 * A text by single steps and by passes over guesses, all of them right or each fourth wrong: what
 * there is to gain, and to lose.
 */
final class DraftScene {
  private static final int TOKENS = 96;
  private static final int WRONG_EACH = 4;
  private static final int[] ROWS = {2, 4, 8, 16};

  private final SessionEffort effort;
  private final SessionRows rows;

  DraftScene(SessionEffort effort, SessionRows rows) {
    this.effort = effort;
    this.rows = rows;
  }

  /** A way to the text. */
  private final class Way {
    private final String name;
    private final int[] text = new int[TOKENS];
    private final LanguageModel model;
    private final int[] prompt;
    private final int rowsOfAPass;
    private final int wrongEach;
    private final float[] logits;
    private Session session;
    private double accepted;

    private Way(LanguageModel model, int[] prompt, String name, int rowsOfAPass, int wrongEach) {
      this.model = model;
      this.prompt = prompt;
      this.name = name;
      this.rowsOfAPass = rowsOfAPass;
      this.wrongEach = wrongEach;
      logits = new float[model.config().vocabulary()];
    }

    private Contender contender(int[] known) {
      return new Contender(name, this::begin, () -> run(known));
    }

    private void begin() {
      if (session != null) {
        session.close();
      }
      session = model.newSession();
      session.append(prompt);
    }

    private void run(int[] known) {
      if (rowsOfAPass == 1) {
        for (int i = 0; i < TOKENS; i++) {
          session.logits(0, logits);
          text[i] = Greedy.choose(logits);
          session.step(text[i]);
        }
        return;
      }
      KnownText draft = new KnownText(known, wrongEach, logits.length);
      try (DraftedSession drafted = new DraftedSession(session, draft, prompt, rowsOfAPass)) {
        for (int i = 0; i < TOKENS; i++) {
          drafted.logits(logits);
          text[i] = Greedy.choose(logits);
          drafted.step(text[i]);
        }
        accepted = drafted.report().acceptedRate();
      }
    }
  }

  void run(LanguageModel model, int[] prompt) {
    Way steps = new Way(model, prompt, "single steps", 1, 0);
    steps.begin();
    steps.run(null);
    int[] known = Arrays.copyOf(prompt, prompt.length + TOKENS);
    System.arraycopy(steps.text, 0, known, prompt.length, TOKENS);
    List<Way> ways = new ArrayList<>(List.of(steps));
    for (int count : ROWS) {
      ways.add(new Way(model, prompt, "passes of " + count + " rows, all right", count, 0));
      ways.add(
          new Way(
              model, prompt, "passes of " + count + " rows, each 4th wrong", count, WRONG_EACH));
    }
    List<Samples> samples =
        Sampler.measure(ways.stream().map(way -> way.contender(known)).toList(), effort.fewer());
    report(ways, samples);
    ways.forEach(way -> way.session.close());
  }

  private void report(List<Way> ways, List<Samples> samples) {
    Way steps = ways.get(0);
    int others = 0;
    Workload work = Workload.NONE.generate(TOKENS, null);
    for (int i = 0; i < ways.size(); i++) {
      Way way = ways.get(i);
      others += Arrays.equals(way.text, steps.text) ? 0 : 1;
      if (i == 0) {
        rows.time(way.name, work, samples.get(i), TOKENS, null);
      } else {
        rows.ratio(
            way.name,
            work,
            samples.get(i),
            TOKENS,
            SessionRows.ratio(samples.get(0), samples.get(i)),
            "of the steps' speed",
            String.format(Locale.ROOT, "accepted %.2f", way.accepted));
      }
    }
    rows.same("texts by guesses that are not the text by single steps", others);
  }
}
