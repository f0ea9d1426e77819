package org.retention4j.train.run;

import java.nio.file.Path;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.model.DecoderConfig;

/**
 * What a run begins with; a run that goes on has it already.
 *
 * @param shape of a model of random weights, where one is begun
 * @param from a model folder that is trained further, where one is
 * @since 0.1
 */
public record RunStart(Optional<DecoderConfig> shape, Optional<Path> from) {
  /** Checks that nothing is missing, and that it is not both. */
  public RunStart {
    Args.present("a shape, or none", shape);
    Args.present("a model folder, or none", from);
    if (shape.isPresent() && from.isPresent()) {
      throw new IllegalArgumentException(
          "expected a shape or a model to begin with, got both, " + from.get());
    }
  }

  /** Returns a start with random weights. */
  public static RunStart shape(DecoderConfig config) {
    return new RunStart(Optional.of(config), Optional.empty());
  }

  /** Returns a start with a model's weights. */
  public static RunStart from(Path folder) {
    return new RunStart(Optional.empty(), Optional.of(folder));
  }

  /** Returns no start: only a run that is there already can go on. */
  public static RunStart none() {
    return new RunStart(Optional.empty(), Optional.empty());
  }
}
