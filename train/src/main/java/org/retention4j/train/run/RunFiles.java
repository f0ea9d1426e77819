package org.retention4j.train.run;

import java.nio.file.Path;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.train.data.TrainingText;

/**
 * What a run reads and where it writes.
 *
 * @param out folder of the run, new, empty or of a run that goes on
 * @param data file or folder of text
 * @param validation file or folder of held-out text; empty holds a share of the data out
 * @param heldOutShare of the data, where there is no validation
 * @param tokenizer a tokenizer.json; empty takes that of the model that is begun with, else bytes
 * @since 0.1
 */
public record RunFiles(
    Path out, Path data, Optional<Path> validation, double heldOutShare, Optional<Path> tokenizer) {
  /** Checks that nothing is missing. */
  public RunFiles {
    Args.present("a folder for the run", out);
    Args.present("a file or folder of text", data);
    Args.present("a held-out text, or none", validation);
    Args.present("a tokenizer, or none", tokenizer);
  }

  /** Returns bytes of a text, the last share of it held out. */
  public static RunFiles of(Path data, Path out) {
    return new RunFiles(out, data, Optional.empty(), TrainingText.HELD_OUT, Optional.empty());
  }

  /** Returns the same with a held-out text of its own. */
  public RunFiles withValidation(Path text) {
    return new RunFiles(out, data, Optional.of(text), heldOutShare, tokenizer);
  }

  /** Returns the same with another share held out. */
  public RunFiles withHeldOutShare(double share) {
    return new RunFiles(out, data, validation, share, tokenizer);
  }

  /** Returns the same with tokens of a tokenizer.json. */
  public RunFiles withTokenizer(Path json) {
    return new RunFiles(out, data, validation, heldOutShare, Optional.of(json));
  }
}
