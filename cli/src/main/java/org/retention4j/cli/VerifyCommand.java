package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.engine.Engine;
import org.retention4j.text.Tokenizer;
import org.retention4j.text.Tokenizers;
import org.retention4j.verify.Verification;
import org.retention4j.verify.VerifiedLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Holds the forms against the float64 reference on a checkpoint. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Holds the three forms against the float64 reference on a checkpoint's own weights.",
      "Each layer's core and block by itself, and the whole model up to the logits."
    })
final class VerifyCommand implements Callable<Integer> {
  private static final String TEXT =
      "Retention keeps what it has read in a state of fixed size, and forgets it by and by.";

  @Option(
      names = "--model",
      paramLabel = "DIR",
      required = true,
      description = "model folder, or austen for the model that comes with this command")
  private Path folder;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "text that is read, - for standard input (default: a sentence)")
  private Path text;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "the most tokens of the text that are read (default: ${DEFAULT-VALUE})")
  private int most;

  @Mixin private KeyOptions keys;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (most < 1) {
      throw new IllegalArgumentException("expected --tokens >= 1, got " + most);
    }
    if (text != null) {
      Texts.size(text);
    }
    Checkpoint checkpoint = keys.open(spec, folder);
    int[] tokens = tokens(checkpoint);
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%d of the text's %d tokens%s; errors of outputs per head and of one token (at most 4 x the"
            + " bound), of states per head%n",
        Math.min(most, tokens.length),
        tokens.length,
        most < tokens.length ? " (--tokens reads more)" : "");
    tokens = Arrays.copyOf(tokens, Math.min(most, tokens.length));
    out.println(
        "layer  part   form       type     output    token     state     bounds of outputs, states");
    try (Engine single = Engine.float32();
        Engine wide = Engine.float64()) {
      Verification verification = new Verification(checkpoint, single, wide);
      boolean holds = verification.run(tokens, line -> print(out, line));
      out.println(holds ? "every bound holds" : "a bound is broken");
      out.flush();
      return holds ? 0 : Main.FAILED;
    }
  }

  private int[] tokens(Checkpoint checkpoint) {
    int vocabulary = checkpoint.config().vocabulary();
    int[] tokens;
    try (Tokenizer tokenizer = Tokenizers.forFolder(checkpoint.folder(), vocabulary)) {
      if (text == null && vocabulary < 256) {
        // Too small for the bytes of the sentence: any tokens do.
        tokens = TEXT.chars().map(c -> c % vocabulary).toArray();
      } else {
        tokens = tokenizer.encode(text == null ? TEXT : Texts.read(text));
      }
    }
    if (tokens.length == 0) {
      throw new IllegalArgumentException("expected a text of at least 1 token, got none");
    }
    return tokens;
  }

  private static void print(PrintWriter out, VerifiedLine line) {
    out.printf(
        Locale.ROOT,
        "%5s  %-6s %-10s %-8s %.1e   %.1e   %.1e   %.0e, %.0e%s%n",
        line.part().equals("logits") ? "end" : line.layer(),
        line.part(),
        line.form(),
        line.type(),
        line.output().perHead(),
        line.output().perToken(),
        line.state().perHead(),
        line.outputBound(),
        line.stateBound(),
        line.holds() ? "" : "  BROKEN");
    out.flush();
  }
}
