package org.retention4j.cli;

import java.util.Arrays;
import java.util.List;
import org.retention4j.checkpoint.Checkpoint;
import picocli.CommandLine.Model.CommandSpec;

/** Says of options that were given when they can have no effect. */
final class Effects {
  private Effects() {}

  /** Returns whether a layer keeps keys and values of all tokens, as attention does. */
  static boolean hasCaches(Checkpoint checkpoint) {
    return checkpoint.config().layers().stream().anyMatch(l -> l.mixer().cacheElements(1) > 0);
  }

  /** Returns whether a layer has a state of fixed size, as retention does. */
  static boolean hasStates(Checkpoint checkpoint) {
    return checkpoint.config().layers().stream().anyMatch(l -> l.mixer().stateElements() > 0);
  }

  /** Returns whether an option was given. */
  static boolean given(CommandSpec command, String option) {
    return command.commandLine().getParseResult().hasMatchedOption(option);
  }

  /**
   * Says on standard error which of some options have no effect, those that were given.
   *
   * @param why as the end of a sentence
   */
  static void none(CommandSpec command, String why, String... options) {
    List<String> given = Arrays.stream(options).filter(name -> given(command, name)).toList();
    if (!given.isEmpty()) {
      command
          .commandLine()
          .getErr()
          .println(
              "retention: "
                  + String.join(", ", given)
                  + (given.size() == 1 ? " has" : " have")
                  + " no effect: "
                  + why);
    }
  }
}
