package org.retention4j.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.internal.family.UnknownKeys;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What becomes of keys of a configuration that nobody here knows. */
final class KeyOptions {
  static final String IGNORE = "--ignore-unknown";

  @Option(
      names = IGNORE,
      description =
          "read a model whose config.json has unknown keys that may change the mathematics by their"
              + " names, without them")
  private boolean ignoreUnknown;

  LoadOptions options() {
    return LoadOptions.DEFAULT.withIgnoreUnknown(ignoreUnknown);
  }

  /** Opens a folder, and says on standard error what is ignored of its configuration. */
  Checkpoint open(CommandSpec command, Path folder) {
    Checkpoint checkpoint = Checkpoint.open(ShippedModel.folder(folder), options());
    Map<String, JsonNode> ignored = UnknownKeys.refused(checkpoint.unknownKeys());
    if (ignored.isEmpty()) {
      Effects.none(command, "no key of config.json would be refused", IGNORE);
    }
    ignored.forEach(
        (key, value) ->
            command
                .commandLine()
                .getErr()
                .println("retention: ignored: " + UnknownKeys.shown(key, value)));
    return checkpoint;
  }
}
