package org.retention4j.cli;

import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;

/** Says of options that were given when they can have no effect. */
final class Effects {
  private Effects() {}

  /**
   * Says on standard error which of some options have no effect, those that were given.
   *
   * @param why as the end of a sentence
   */
  static void none(CommandSpec command, String why, String... options) {
    List<String> given =
        Arrays.stream(options)
            .filter(command.commandLine().getParseResult()::hasMatchedOption)
            .toList();
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
