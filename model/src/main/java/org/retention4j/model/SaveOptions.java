package org.retention4j.model;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.snapshot.NumberType;

/**
 * What a snapshot holds beside what sequences left behind.
 *
 * @param type to which numbers are rounded; empty keeps them as they are, so that a session goes on
 *     to the bit
 * @param tokens of each row, from the first on, for who wants to see again what was read; empty for
 *     none
 * @param information what is of interest to people, and decides nothing
 * @param folded whether retention states stand in the file twice: as they go on to the bit, and
 *     with all tokens folded into S, for other programs to read; what is restored is the same
 * @param ownerOnly whether only the file's owner may read it, where the file system knows that; by
 *     default who may is the system's choice for new files
 * @since 0.1
 */
public record SaveOptions(
    Optional<NumberType> type,
    List<int[]> tokens,
    Map<String, String> information,
    boolean folded,
    boolean ownerOnly) {
  /** Everything to the bit, and nothing else. */
  public static final SaveOptions DEFAULT =
      new SaveOptions(Optional.empty(), List.of(), Map.of(), false, false);

  /** Takes copies of the lists. */
  public SaveOptions {
    Args.present("a type of numbers", type);
    tokens = List.copyOf(Args.present("tokens", tokens));
    information = Map.copyOf(Args.present("information", information));
  }

  /** Returns the same with numbers rounded: half the bytes in bf16, for transport. */
  public SaveOptions withType(NumberType value) {
    return new SaveOptions(Optional.of(value), tokens, information, folded, ownerOnly);
  }

  /** Returns the same with the tokens of each row. */
  public SaveOptions withTokens(List<int[]> value) {
    return new SaveOptions(type, value, information, folded, ownerOnly);
  }

  /** Returns the same with information. */
  public SaveOptions withInformation(Map<String, String> value) {
    return new SaveOptions(type, tokens, value, folded, ownerOnly);
  }

  /** Returns the same with retention states folded, too: about twice the bytes. */
  public SaveOptions withFolded() {
    return new SaveOptions(type, tokens, information, true, ownerOnly);
  }

  /** Returns the same in a file that only its owner may read. */
  public SaveOptions withOwnerOnly() {
    return new SaveOptions(type, tokens, information, folded, true);
  }
}
