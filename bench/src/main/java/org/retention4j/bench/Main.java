package org.retention4j.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Stack;
import java.util.concurrent.Callable;
import org.retention4j.bench.report.RowTables;
import org.retention4j.bench.sessions.SessionEffort;
import org.retention4j.bench.training.TrainingEffort;
import org.retention4j.bench.whole.WholeModelRun;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line of the benchmark. */
@Command(
    name = "retention-bench",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    exitCodeOnExecutionException = Main.BROKEN,
    sortOptions = false,
    description = {
      "Proves that the parallel, recurrent and chunkwise forms of a retention layer are equal,",
      "then measures them against a Transformer layer of equal size and writes a report."
    },
    footer = {
      "",
      "Exit code: 0 when done, 1 when a form is not equal, 2 for bad input.",
      "With java --add-modules jdk.incubator.vector the Vector API is measured too."
    })
public final class Main implements Callable<Integer> {
  /** The command line or a file it names is not right. */
  static final int BAD_INPUT = 2;

  /** A fault of this program, by the convention of sysexits. */
  static final int BROKEN = 70;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "text whose bytes are the tokens (default: one that ships with the project)")
  private Path text;

  @Option(names = "--quick", description = "measure less, in under a minute")
  private boolean quick;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "target/retention-report",
      description = "folder of the report (default: ${DEFAULT-VALUE})")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads, at least 1 (default: all processors)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of weights and fillings (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "measure this checkpoint as a whole model instead of the layers")
  private Path model;

  @Option(
      names = "--ignore-unknown",
      description =
          "with --model: although its config.json has unknown keys that may change the mathematics")
  private boolean ignoreUnknown;

  @Option(
      names = "--training",
      description = "measure steps of training instead, of retention and of attention")
  private boolean training;

  @Option(
      names = "--sessions",
      description =
          "measure sessions instead: to a file and back, from a cached beginning, with guesses, many"
              + " at once")
  private boolean sessions;

  @Option(
      names = "--lengths",
      paramLabel = "T",
      split = ",",
      description =
          "with --training: tokens of the rows (default: 512 to 16384, with --quick to 2048)")
  private List<Integer> lengths;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description =
          "with --training: what would take longer in all is skipped (default: 5.8, with --quick"
              + " 1.9)")
  private Double minutes;

  @Option(
      names = "--table",
      arity = "1..*",
      paramLabel = "rows.jsonl",
      description =
          "measure nothing: print the tables of earlier runs from their rows, as Markdown")
  private List<Path> tables;

  @Option(
      names = "--jmh",
      arity = "0..*",
      paramLabel = "ARG",
      parameterConsumer = Rest.class,
      description = "run the JMH benchmarks instead; everything that follows goes to JMH")
  private List<String> jmh;

  @Spec private CommandSpec spec;

  private final PrintStream rows;
  private final PrintWriter errors;

  private Main(PrintStream rows, PrintWriter errors) {
    this.rows = rows;
    this.errors = errors;
  }

  /** Runs the benchmark and ends the virtual machine with its exit code. */
  public static void main(String[] args) {
    // Numbers and letters as programs read them, whatever the machine's language is.
    Locale.setDefault(Locale.ROOT);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.exit(execute(args, out, new PrintWriter(System.err, true, StandardCharsets.UTF_8)));
  }

  /** Runs the benchmark and returns its exit code. */
  public static int execute(String[] args, PrintStream rows, PrintWriter errors) {
    CommandLine command = new CommandLine(new Main(rows, errors));
    command.setErr(errors);
    command.setOut(new PrintWriter(rows, true, StandardCharsets.UTF_8));
    command.setExecutionExceptionHandler(
        (failure, line, parsed) -> {
          if (!(failure instanceof UncheckedIOException)) {
            throw failure;
          }
          errors.println("retention-bench: " + failure.getMessage());
          return BAD_INPUT;
        });
    command.setParameterExceptionHandler(
        (failure, ignored) -> {
          errors.println("retention-bench: " + failure.getMessage() + " (see --help)");
          return BAD_INPUT;
        });
    try {
      return command.execute(args);
    } catch (Error e) {
      // Left to the virtual machine it would end with 1, which means something else here.
      if (e instanceof OutOfMemoryError) {
        errors.println("retention-bench: out of memory: " + e.getMessage() + "; see java -Xmx");
      } else {
        e.printStackTrace(errors);
      }
      return BROKEN;
    }
  }

  @Override
  public Integer call() throws IOException {
    if (jmh != null) {
      org.openjdk.jmh.Main.main(jmh.toArray(new String[0]));
      return BenchmarkRun.OK;
    }
    if (tables != null) {
      return tables();
    }
    if (model != null) {
      return whole();
    }
    if (training || sessions) {
      return suite();
    }
    BenchmarkRun run;
    try {
      refuse("the layers' benchmark", "belongs to --model", "--ignore-unknown");
      refuse("the layers' benchmark", "belongs to --training", "--lengths", "--minutes");
      run = BenchmarkRun.prepare(new Settings(text, quick, out, threads, seed), rows);
    } catch (IllegalArgumentException e) {
      errors.println("retention-bench: " + e.getMessage());
      return BAD_INPUT;
    }
    return run.execute();
  }

  private int tables() {
    try {
      refuse(
          "--table",
          "measures",
          "--text",
          "--quick",
          "--out",
          "--threads",
          "--seed",
          "--model",
          "--ignore-unknown",
          "--training",
          "--sessions",
          "--lengths",
          "--minutes");
      // All of them or none: a table that is missing among others is easily overlooked.
      List<String> all = tables.stream().map(RowTables::markdown).toList();
      rows.print(String.join("\n", all));
      return BenchmarkRun.OK;
    } catch (IllegalArgumentException e) {
      errors.println("retention-bench: " + e.getMessage());
      return BAD_INPUT;
    }
  }

  private void refuse(String with, String why, String... others) {
    for (String option : others) {
      if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
        throw new IllegalArgumentException(
            "expected " + with + " without " + option + ", which " + why);
      }
    }
  }

  private int suite() {
    SuiteRun run;
    try {
      String with = training ? "--training" : "--sessions";
      refuse(with, "belongs to --model", "--ignore-unknown");
      Settings settings = new Settings(text, quick, out, threads, seed);
      if (training) {
        refuse(with, "measures something else", "--sessions");
        TrainingEffort effort = quick ? TrainingEffort.QUICK : TrainingEffort.FULL;
        effort = lengths == null ? effort : effort.withLengths(lengths);
        effort = minutes == null ? effort : effort.withMinutes(minutes);
        run = SuiteRun.training(settings, effort, rows);
      } else {
        refuse(with, "belongs to --training", "--lengths", "--minutes");
        run = SuiteRun.sessions(settings, quick ? SessionEffort.QUICK : SessionEffort.FULL, rows);
      }
    } catch (IllegalArgumentException e) {
      errors.println("retention-bench: " + e.getMessage());
      return BAD_INPUT;
    }
    return run.execute();
  }

  private int whole() {
    try {
      refuse("--model", "belongs to the layers' benchmark", "--text", "--seed");
      refuse(
          "--model",
          "measures something else",
          "--training",
          "--sessions",
          "--lengths",
          "--minutes");
      boolean equal =
          WholeModelRun.execute(
              Checkpoint.open(model, LoadOptions.DEFAULT.withIgnoreUnknown(ignoreUnknown)),
              out,
              quick,
              threads,
              rows);
      return equal ? BenchmarkRun.OK : BenchmarkRun.NOT_EQUAL;
    } catch (IllegalArgumentException e) {
      errors.println("retention-bench: " + e.getMessage());
      return BAD_INPUT;
    }
  }

  /** The version that the jar was built as. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"retention-bench " + (version == null ? "(not from a jar)" : version)};
    }
  }

  /** Takes all that follows an option, options of another program included. */
  static final class Rest implements IParameterConsumer {
    @Override
    public void consumeParameters(Stack<String> args, ArgSpec option, CommandSpec command) {
      List<String> rest = new ArrayList<>();
      while (!args.isEmpty()) {
        rest.add(args.pop());
      }
      option.setValue(rest);
    }
  }
}
