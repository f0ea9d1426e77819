package org.retention4j.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.draft.Draft;
import org.retention4j.draft.DraftReport;
import org.retention4j.draft.DraftedSession;
import org.retention4j.draft.ModelDraft;
import org.retention4j.draft.NGramDraft;
import org.retention4j.engine.Engine;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/** What --draft asks for, if it is given. */
final class Drafting implements AutoCloseable {
  private static final String N_GRAM = "ngram";

  private final Optional<LanguageModel> small;
  private final Optional<Draft> draft;
  private Optional<DraftReport> report = Optional.empty();

  private Drafting(Optional<LanguageModel> small, Optional<Draft> draft) {
    this.small = small;
    this.draft = draft;
  }

  /**
   * Makes a draft ready.
   *
   * @param how the option's value, null where it is not given
   */
  static Drafting of(String how, Engine engine, LanguageModel model) {
    if (how == null) {
      return new Drafting(Optional.empty(), Optional.empty());
    }
    if (how.equals(N_GRAM)) {
      return new Drafting(Optional.empty(), Optional.of(new NGramDraft()));
    }
    Checkpoint checkpoint = Checkpoint.open(ShippedModel.folder(Path.of(how)));
    int expected = model.config().vocabulary();
    int got = checkpoint.config().vocabulary();
    if (got != expected) {
      throw new IllegalArgumentException(
          "expected a --draft of " + expected + " tokens, as the model has, got one of " + got);
    }
    LanguageModel small = checkpoint.load(engine, LoadOptions.DEFAULT);
    return new Drafting(Optional.of(small), Optional.of(new ModelDraft(small)));
  }

  /** Continues what stands in a session, with a draft's help or without. */
  Generation resume(
      Generator generator,
      Session session,
      int[] seen,
      GenerationOptions options,
      Consumer<String> stream) {
    if (draft.isEmpty()) {
      return generator.resume(session, seen, options, stream);
    }
    try (DraftedSession drafted =
        new DraftedSession(session, draft.get(), seen, DraftedSession.DEFAULT_ROWS)) {
      Generation generated = generator.resume(drafted, seen, options, stream);
      report = Optional.of(drafted.report());
      return generated;
    }
  }

  /** Returns how it went, behind a comma; nothing without a draft. */
  String said() {
    return report
        .map(
            of ->
                String.format(
                    Locale.ROOT,
                    ", %d of %d drafted tokens accepted (%.0f %%), %d passes",
                    of.accepted(),
                    of.proposed(),
                    100 * of.acceptedRate(),
                    of.passes() + of.steps()))
        .orElse("");
  }

  @Override
  public void close() {
    draft.ifPresent(Draft::close);
    small.ifPresent(LanguageModel::close);
  }
}
