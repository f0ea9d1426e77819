package org.retention4j.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.retention4j.cli.jvm.Arguments;
import org.retention4j.cli.jvm.SecondJvm;
import org.retention4j.cli.jvm.StandardStreams;
import org.retention4j.cli.jvm.VectorJvm;
import org.retention4j.engine.natives.NativeLibraryException;
import org.retention4j.text.NonFiniteLogitsException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The retention command. */
@Command(
    name = "retention",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Runs and trains RetNet, Transformer and hybrid checkpoints.",
    footer = {
      "",
      "Exit code: 0 when done, 1 for a failed check, 2 for bad input, 70 for a fault of its own.",
      "The launcher takes the Java of JAVA_HOME and more options of it from JAVA_OPTS.",
      "By java -jar the command starts itself again, with the Vector API and a heap for weights,",
      "unless an option is for one virtual machine only; -Dretention.relaunch=false forbids it."
    })
public final class Main implements Runnable {
  /** A check failed. */
  static final int FAILED = 1;

  /** The command line or a file it names is not right. */
  static final int BAD_INPUT = 2;

  /** A fault of this program, by the convention of sysexits. */
  static final int BROKEN = 70;

  /** What is said when a reader of the output has gone or its disk is full. */
  static final String OUTPUT_LOST =
      "expected standard output to take what is written, got a failure";

  private static final Map<String, Class<?>> COMMANDS = commands();

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "show the stack trace of an error")
  private boolean debug;

  private Main() {}

  private static Map<String, Class<?>> commands() {
    Map<String, Class<?>> commands = new LinkedHashMap<>();
    commands.put("info", InfoCommand.class);
    commands.put("logits", LogitsCommand.class);
    commands.put("generate", GenerateCommand.class);
    commands.put("perplexity", PerplexityCommand.class);
    commands.put("serve", ServeCommand.class);
    commands.put("verify", VerifyCommand.class);
    commands.put("train", TrainCommand.class);
    commands.put("create", CreateCommand.class);
    commands.put("convert", ConvertCommand.class);
    commands.put("bench", BenchCommand.class);
    return commands;
  }

  /** Runs a command and ends the virtual machine with its exit code. */
  public static void main(String[] args) {
    StandardStreams.guard();
    SecondJvm.endWithFirst();
    // Numbers as programs read them, whatever the machine's language is.
    Locale.setDefault(Locale.ROOT);
    Optional<String> fault = Arguments.fault(args);
    if (fault.isPresent()) {
      System.err.println("retention: " + fault.get());
      System.exit(BAD_INPUT);
    }
    if (VectorJvm.wanted(args)) {
      SecondJvm.tryRun(args).ifPresent(System::exit);
    }
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    int code = execute(args, out, new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    out.flush();
    System.exit(code);
  }

  /** Runs a command and returns its exit code. */
  static int execute(String[] args, PrintStream out, PrintWriter errors) {
    Main main = new Main();
    if (!Arrays.asList(args).contains("--debug")) {
      // The library's remarks on its choices are for those who look into something.
      Library.LOGGER.setLevel(Level.WARNING);
    }
    CommandLine command = new CommandLine(main);
    // Reading the annotations of all commands takes a while: only the one that is called, if any.
    Class<?> called = args.length == 0 ? null : COMMANDS.get(args[0]);
    if (called == null) {
      COMMANDS.values().forEach(command::addSubcommand);
    } else {
      command.addSubcommand(called);
    }
    // A text is what it says, also "@note".
    command.setExpandAtFiles(false);
    command.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
    command.setErr(errors);
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.registerConverter(Path.class, new PathConverter());
    command.setParameterExceptionHandler(
        (failure, ignored) -> {
          errors.println("retention: " + WrongWords.message(failure, args) + " (see --help)");
          return BAD_INPUT;
        });
    command.setExecutionExceptionHandler((failure, line, parsed) -> main.report(failure, errors));
    try {
      int code = command.execute(args);
      if (code == 0 && out.checkError()) {
        errors.println("retention: " + OUTPUT_LOST);
        return BAD_INPUT;
      }
      return code;
    } catch (Error e) {
      return main.report(e, errors);
    }
  }

  private int report(Throwable failure, PrintWriter errors) {
    if (debug) {
      failure.printStackTrace(errors);
    }
    if (failure instanceof IllegalArgumentException
        || failure instanceof NonFiniteLogitsException
        || failure instanceof NativeLibraryException) {
      errors.println("retention: " + String.valueOf(failure.getMessage()).replaceAll("\\R", " "));
      return BAD_INPUT;
    }
    if (failure instanceof OutOfMemoryError) {
      errors.println("retention: out of memory: " + failure.getMessage() + "; see java -Xmx");
      return BROKEN;
    }
    errors.println("retention: " + failure + (debug ? "" : " (--debug shows where)"));
    return BROKEN;
  }

  @Override
  public void run() {
    throw new IllegalArgumentException("expected a command, got none (see --help)");
  }

  /**
   * Held, so that its level is; and apart, since a virtual machine that starts another needs none.
   */
  private static final class Library {
    private static final Logger LOGGER = Logger.getLogger("org.retention4j");
  }

  /** The version that the jar was built as. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"retention " + (version == null ? "(not from a jar)" : version)};
    }
  }
}
