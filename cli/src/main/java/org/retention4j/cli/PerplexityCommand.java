package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.MemoryOptions;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.text.Scorer;
import org.retention4j.text.Tokenizer;
import org.retention4j.text.Tokenizers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Scores a text. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Scores a text of any length, at constant memory.")
final class PerplexityCommand implements Callable<Integer> {
  @Mixin private ModelOptions options;

  @Parameters(paramLabel = "FILE", description = "text in UTF-8")
  private Path file;

  @Option(names = "--tokens", description = "print the log-probability of every token")
  private boolean perToken;

  @Option(
      names = "--cache-limit",
      paramLabel = "N",
      description = "the most tokens in a cache of attention layers (default: the text's length)")
  private Integer cacheLimit;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    String text = Texts.read(file);
    Checkpoint checkpoint = options.open();
    PrintWriter out = spec.commandLine().getOut();
    try (Tokenizer tokenizer =
            Tokenizers.forFolder(checkpoint.folder(), checkpoint.config().vocabulary());
        Engine engine = options.engine()) {
      int[] tokens = tokenizer.encode(text);
      if (tokens.length < 2) {
        throw new IllegalArgumentException(
            "expected a text of at least 2 tokens, got " + tokens.length + " in " + file);
      }
      int limit = cacheLimit == null ? tokens.length : cacheLimit;
      MemoryOptions memory = MemoryOptions.DEFAULT.withMaxTokens(limit);
      try (LanguageModel model = options.load(checkpoint, engine);
          Session session = model.newSession(1, SessionOptions.DEFAULT.withMemory(memory))) {
        Scorer scorer = new Scorer(session);
        scorer.accept(
            tokens,
            p -> {
              if (perToken) {
                out.printf(Locale.ROOT, "%.6f%n", p);
              }
            });
        out.printf(
            Locale.ROOT,
            "%s tokens scored, mean loss %.6f nats, perplexity %.6f; session %s%n",
            Texts.count(scorer.count()),
            scorer.meanLoss(),
            scorer.perplexity(),
            Texts.bytes((double) session.bytes()));
        out.flush();
      }
    }
    return 0;
  }
}
