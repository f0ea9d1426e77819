package org.retention4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says of a command line that cannot be read what was expected and what came. */
final class WrongWords {
  private static final int MOST_SUGGESTIONS = 3;

  private WrongWords() {}

  /**
   * Returns what is wrong, on one line.
   *
   * @param args the words of the command
   */
  static String message(ParameterException failure, String[] args) {
    return told(failure, args).replaceAll("\\R", " ");
  }

  private static String told(ParameterException failure, String[] args) {
    if (failure instanceof MissingParameterException missing && !missing.getMissing().isEmpty()) {
      return missing(missing.getMissing(), args);
    }
    if (failure instanceof UnmatchedArgumentException unmatched) {
      return unmatched(unmatched);
    }
    if (failure instanceof OverwrittenOptionException twice) {
      return "expected " + name(twice.getOverwritten()) + " once, got it again";
    }
    if (failure.getArgSpec() != null && failure.getValue() != null) {
      return String.format(
          Locale.ROOT,
          "expected %s for %s, got '%s'",
          values(failure),
          name(failure.getArgSpec()),
          failure.getValue());
    }
    return failure.getMessage();
  }

  private static String missing(List<ArgSpec> missing, String[] args) {
    if (missing.get(0) instanceof OptionSpec option) {
      int at = Arrays.asList(args).lastIndexOf(option.longestName());
      if (at >= 0) {
        String next = at + 1 < args.length ? "'" + args[at + 1] + "'" : "none";
        return "expected "
            + option.paramLabel()
            + " after "
            + option.longestName()
            + ", got "
            + next;
      }
    }
    return missing.stream()
        .map(arg -> arg.isOption() ? name(arg) + " " + arg.paramLabel() : name(arg))
        .collect(Collectors.joining(" and ", "expected ", ", got none"));
  }

  private static String unmatched(UnmatchedArgumentException failure) {
    CommandLine command = failure.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    String got = failure.getUnmatched().get(0);
    if (failure.isUnknownOption()) {
      String similar =
          failure.getSuggestions().stream()
              .limit(MOST_SUGGESTIONS)
              .collect(Collectors.joining(", "));
      return String.format(
          Locale.ROOT,
          "expected an option of %s%s, got '%s'",
          name,
          similar.isEmpty() ? "" : ", such as " + similar,
          got);
    }
    if (!command.getSubcommands().isEmpty()) {
      return "expected one of " + command.getSubcommands().keySet() + ", got '" + got + "'";
    }
    return "expected no more words for " + name + ", got '" + got + "'";
  }

  private static String values(ParameterException failure) {
    ArgSpec arg = failure.getArgSpec();
    Class<?> type = arg.typeInfo().getType();
    if (arg.isMultiValue() && !arg.auxiliaryTypes()[0].equals(Object.class)) {
      type = arg.auxiliaryTypes()[0];
    }
    boolean ownWords = arg.converters().length > 0 || type == Path.class;
    if (ownWords && failure.getCause() instanceof TypeConversionException cause) {
      return cause.getMessage();
    }
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(value -> ((Enum<?>) value).name().toLowerCase(Locale.ROOT))
          .collect(Collectors.joining(", ", "one of [", "]"));
    }
    if (type == int.class || type == Integer.class) {
      return whole(failure.getValue(), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    if (type == long.class || type == Long.class) {
      return whole(failure.getValue(), Long.MIN_VALUE, Long.MAX_VALUE);
    }
    if (type == double.class || type == Double.class) {
      return "a number";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    return "a " + type.getSimpleName().toLowerCase(Locale.ROOT);
  }

  /** Returns what a number must be, with the limit that one is beyond. */
  private static String whole(String value, long least, long most) {
    if (value.matches("\\+?\\d+")) {
      return "a whole number of at most " + most;
    }
    return value.matches("-\\d+") ? "a whole number of at least " + least : "a whole number";
  }

  private static String name(ArgSpec arg) {
    return arg instanceof OptionSpec option ? option.longestName() : arg.paramLabel();
  }
}
