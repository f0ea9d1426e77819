package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.cli.bar.LineBar;
import org.retention4j.engine.Engine;
import org.retention4j.generate.Scorer;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.text.Tokenizer;
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
    description = {
      "Scores a text of any length, at constant memory but for the caches of attention layers.",
      "A long text is tokenized in pieces that end at a line or a word.",
      "With --lines each line is a text of its own; many short ones are read at once."
    })
final class PerplexityCommand implements Callable<Integer> {
  /** Lines of so many tokens are given to the scorer at once. */
  private static final int TOGETHER = 1 << 15;

  /** Bytes of lines from which on a bar shows how many are scored. */
  private static final long LARGE = 100_000;

  @Mixin private ModelOptions options;

  @Parameters(paramLabel = "FILE", description = "text in UTF-8, - for standard input")
  private Path file;

  @Option(
      names = "--lines",
      description = "score each line as a text of its own; empty lines are left out")
  private boolean lines;

  @Option(names = "--tokens", description = "print the log-probability of every token")
  private boolean perToken;

  @Option(
      names = "--cache-limit",
      paramLabel = "N",
      description = "the most tokens in a cache of attention layers (default: the text's length)")
  private Integer cacheLimit;

  @Spec private CommandSpec spec;

  private long lineCount;

  @Override
  public Integer call() {
    if (cacheLimit != null) {
      ModelOptions.requireCacheLimit(cacheLimit);
    }
    OptionalLong bytes = Texts.size(file);
    int limit = cacheLimit == null ? longest(bytes) : cacheLimit;
    KvCacheOptions cache = KvCacheOptions.DEFAULT.withMaxTokens(limit);
    Checkpoint checkpoint = options.open(spec);
    if (!Effects.hasCaches(checkpoint)) {
      Effects.none(spec, "no layer of this model is attention", "--cache-limit");
    }
    try (Tokenizer tokenizer = checkpoint.tokenizer();
        Engine engine = options.engine();
        LanguageModel model = options.load(checkpoint, engine);
        Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(cache))) {
      Scorer scorer = new Scorer(session);
      PrintWriter out = spec.commandLine().getOut();
      if (lines) {
        scoreLines(tokenizer, scorer, bytes, out);
        print(out, scorer, session);
        return 0;
      }
      Texts.forEachPiece(
          file,
          tokenizer.longestText(),
          piece -> {
            boolean begins = session.position(0) == 0;
            int[] tokens = begins ? tokenizer.encode(piece) : tokenizer.encodeMore(piece);
            scorer.accept(tokens, p -> note(out, p));
          });
      if (scorer.count() == 0) {
        throw new IllegalArgumentException(
            "expected a text of at least 2 tokens, got "
                + session.position(0)
                + " in "
                + Inputs.name(file));
      }
      print(out, scorer, session);
    }
    return 0;
  }

  private void scoreLines(Tokenizer tokenizer, Scorer scorer, OptionalLong bytes, PrintWriter out) {
    List<int[]> texts = new ArrayList<>();
    long[] held = new long[1];
    long[] lineNumber = new long[1];
    try (LineBar bar = new LineBar("lines", !perToken && bytes.orElse(LARGE) >= LARGE)) {
      Runnable score =
          () -> {
            scorer.acceptTexts(texts.toArray(new int[0][]), p -> note(out, p));
            bar.step(texts.size());
            lineCount += texts.size();
            texts.clear();
            held[0] = 0;
          };
      Texts.forEachLine(
          file,
          line -> {
            lineNumber[0]++;
            if (!line.isEmpty()) {
              int[] tokens = encode(tokenizer, line, lineNumber[0]);
              texts.add(tokens);
              held[0] += tokens.length + 1;
            }
            if (held[0] >= TOGETHER) {
              score.run();
            }
          });
      score.run();
    }
    if (scorer.count() == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a line of at least 2 tokens, got %d lines of fewer in %s",
              lineCount,
              Inputs.name(file)));
    }
  }

  private int[] encode(Tokenizer tokenizer, String line, long number) {
    try {
      return tokenizer.encode(line);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          e.getMessage() + ", in line " + number + " of " + Inputs.name(file), e);
    }
  }

  private void print(PrintWriter out, Scorer scorer, Session session) {
    out.printf(
        Locale.ROOT,
        "%s%s tokens scored, mean loss %.6f nats, perplexity %.6f; session %s%n",
        lines ? Texts.count(lineCount) + " lines, " : "",
        Texts.count(scorer.count()),
        scorer.meanLoss(),
        scorer.perplexity(),
        Texts.bytes((double) session.bytes()));
    out.flush();
  }

  private void note(PrintWriter out, double logProbability) {
    if (perToken) {
      out.printf(Locale.ROOT, "%.6f%n", logProbability);
    }
  }

  /** A token has a byte at least, but for those that mark the beginning. */
  private static int longest(OptionalLong bytes) {
    return (int) Math.min(bytes.orElse(Integer.MAX_VALUE) + 16, Integer.MAX_VALUE / 2);
  }
}
