package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.draft.Draft;
import org.retention4j.draft.DraftReport;
import org.retention4j.draft.DraftedSession;
import org.retention4j.draft.ModelDraft;
import org.retention4j.draft.NGramDraft;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.StopStrings;
import org.retention4j.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues a prompt on the terminal. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Continues a prompt, streaming the text.")
final class GenerateCommand implements Callable<Integer> {
  @Mixin private ModelOptions options;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      required = true,
      description = "the prompt, or - for standard input; where it is empty, the begin token")
  private String prompt;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "the most tokens to generate (default: ${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      defaultValue = "0",
      description = "0 takes the likeliest token (default: ${DEFAULT-VALUE})")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      defaultValue = "0",
      description = "choose among the N likeliest; 0: all (default: ${DEFAULT-VALUE})")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "X",
      defaultValue = "1",
      description = "choose within this probability mass (default: ${DEFAULT-VALUE})")
  private double topP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      defaultValue = "1",
      description = "1: none (default: ${DEFAULT-VALUE})")
  private double penalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "seed of the draws (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "end before this text, or at the special token of this text; repeatable")
  private List<String> stops = List.of();

  @Option(names = "--stop-token", paramLabel = "ID", description = "end at this token; repeatable")
  private List<Integer> stopTokens = List.of();

  @Option(names = "--ignore-eos", description = "go on after the model's end-of-text token")
  private boolean ignoreEnd;

  @Option(names = "--logprobs", description = "list the tokens with their log-probabilities")
  private boolean logProbabilities;

  @Option(
      names = "--cache-limit",
      paramLabel = "N",
      defaultValue = "32768",
      description = "the most tokens in a cache of attention layers (default: ${DEFAULT-VALUE})")
  private int cacheLimit;

  @Option(
      names = "--cache",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description = "fp32 or bf16 elements in such a cache (default: ${DEFAULT-VALUE})")
  private Cache cache;

  @Option(
      names = "--bf16-products",
      description =
          "round both operands of prefill products to bf16 where weights are bf16 (no effect on a"
              + " processor without such products)")
  private boolean bfloat16Products;

  @Option(
      names = "--draft",
      paramLabel = "HOW",
      description =
          "guess tokens and check several at once: ngram looks in the text so far; or the folder of"
              + " a smaller model of the same tokens")
  private String draft;

  @Spec private CommandSpec spec;

  /** Element types of a cache. */
  enum Cache {
    FP32,
    BF16
  }

  @Override
  public Integer call() {
    GenerationOptions given = generationOptions();
    String text = prompt.equals("-") ? Texts.read(Path.of(prompt)) : prompt;
    Checkpoint checkpoint = options.open(spec);
    GenerationOptions generation = given.withStopTokens(stopTokens(checkpoint));
    sayEffects(checkpoint);
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter errors = spec.commandLine().getErr();
    remark(checkpoint, errors);
    try (Tokenizer tokenizer = tokenizer(checkpoint);
        Engine engine = options.engine();
        LanguageModel model = options.load(checkpoint, engine);
        Drafting drafting = Drafting.of(draft, engine, model);
        Session session = model.newSession(1, sessionOptions())) {
      options.sayProducts(spec, checkpoint, engine);
      int[] tokens = tokens(checkpoint, tokenizer, text);
      session.append(tokens);
      long start = System.nanoTime();
      Generation generated =
          drafting.resume(
              new Generator(tokenizer),
              session,
              tokens,
              generation,
              piece -> {
                out.print(piece);
                if (out.checkError()) {
                  throw new IllegalArgumentException(Main.OUTPUT_LOST);
                }
              });
      double seconds = (System.nanoTime() - start) / 1e9;
      out.println();
      out.flush();
      if (logProbabilities) {
        list(generated, tokenizer, out);
      }
      errors.printf(
          Locale.ROOT,
          "%d tokens, %.1f tokens/s%s, ended by %s; weights %s, session %s at position %d%n",
          generated.tokens().size(),
          generated.tokens().size() / seconds,
          drafting.said(),
          generated.end().name().toLowerCase(Locale.ROOT).replace('_', ' '),
          Texts.bytes((double) model.weightBytes()),
          Texts.bytes((double) session.bytes()),
          session.position(0));
    }
    return 0;
  }

  /** Stop strings that cannot come are refused before a model is loaded. */
  private Tokenizer tokenizer(Checkpoint checkpoint) {
    Tokenizer tokenizer = checkpoint.tokenizer();
    try {
      StopStrings.specialTokens(stops, tokenizer);
      return tokenizer;
    } catch (IllegalArgumentException e) {
      tokenizer.close();
      throw new IllegalArgumentException(e.getMessage() + " (--stop-token takes its number)", e);
    }
  }

  /** Says what the model's folder asks for and these options decide. */
  private static void remark(Checkpoint checkpoint, PrintWriter errors) {
    List<String> remarks = checkpoint.generationRemarks();
    if (!remarks.isEmpty()) {
      errors.println(
          "retention: not followed in the model's folder: "
              + String.join(", ", remarks)
              + " (see --help for what chooses tokens)");
    }
  }

  private void sayEffects(Checkpoint checkpoint) {
    if (temperature == 0) {
      Effects.none(spec, "--temperature is 0", "--top-k", "--top-p", "--seed");
    }
    if (!Effects.hasCaches(checkpoint)) {
      Effects.none(spec, "no layer of this model is attention", "--cache", "--cache-limit");
    }
    if (options.type() == ElementType.FLOAT64 && Effects.hasCaches(checkpoint)) {
      Effects.none(spec, "--compute is float64, and so are caches", "--cache");
    }
    if (GenerationOptions.of(checkpoint).stopTokens().isEmpty()) {
      Effects.none(spec, "this model names no token that ends a text", "--ignore-eos");
    }
  }

  private GenerationOptions generationOptions() {
    ModelOptions.requireCacheLimit(cacheLimit);
    if (cache == Cache.BF16 && options.type() == ElementType.FLOAT64) {
      throw new IllegalArgumentException(
          "expected --cache bf16 with --compute fp32 only, got it with float64");
    }
    if (draft != null && bfloat16Products) {
      throw new IllegalArgumentException(
          "expected --draft without --bf16-products, which would round what is checked, got both");
    }
    try {
      SamplingOptions sampling = new SamplingOptions(temperature, topK, topP, penalty, seed);
      return new GenerationOptions(maxTokens, sampling, Set.copyOf(stopTokens), stops);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(Texts.withOptions(e.getMessage()), e);
    }
  }

  private SessionOptions sessionOptions() {
    KvCacheOptions caches = KvCacheOptions.DEFAULT.withMaxTokens(cacheLimit);
    return SessionOptions.DEFAULT
        .withBfloat16Prefill(bfloat16Products)
        .withCache(cache == Cache.BF16 ? caches.withCacheType(CacheType.BFLOAT16) : caches);
  }

  private Set<Integer> stopTokens(Checkpoint checkpoint) {
    Set<Integer> all = new TreeSet<>(stopTokens);
    for (int token : all) {
      if (token < 0 || token >= checkpoint.config().vocabulary()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected --stop-token in 0..%d, the vocabulary, got %d",
                checkpoint.config().vocabulary() - 1,
                token));
      }
    }
    if (!ignoreEnd) {
      all.addAll(GenerationOptions.of(checkpoint).stopTokens());
    }
    return all;
  }

  private static int[] tokens(Checkpoint checkpoint, Tokenizer tokenizer, String text) {
    int[] tokens = tokenizer.encode(text);
    if (tokens.length == 0 && checkpoint.beginToken().isPresent()) {
      tokens = new int[] {checkpoint.beginToken().getAsInt()};
    }
    if (tokens.length == 0) {
      throw new IllegalArgumentException("expected a prompt of at least 1 token, got none");
    }
    return tokens;
  }

  private static void list(Generation generated, Tokenizer tokenizer, PrintWriter out) {
    for (int i = 0; i < generated.tokens().size(); i++) {
      int token = generated.tokens().get(i);
      out.printf(
          Locale.ROOT,
          "%8d  %10.5f  %s%n",
          token,
          generated.logProbabilities().get(i),
          shown(token, tokenizer).replace("\n", "\\n"));
    }
    out.flush();
  }

  /** A special token has no text, but a name. */
  private static String shown(int token, Tokenizer tokenizer) {
    return tokenizer.specialTokens().entrySet().stream()
        .filter(special -> special.getValue() == token)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseGet(() -> tokenizer.decode(new int[] {token}));
  }

  /** What --draft asks for, if it is given. */
  private static final class Drafting implements AutoCloseable {
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
}
