package org.retention4j.train.story;

import java.util.Set;

/** The words of the stories once more, written down without the grammar. */
public final class PlainStoryWords {
  private static final String WORDS =
      "Anna Ben Clara David Emma Fred Grace Hugo ball drum flute hat kite map pen rose red blue"
          + " green yellow white black garden kitchen park barn school forest warm cold windy sunny"
          + " bread cheese apples soup and are in the meets In sees has a gives Now They swap play"
          + " loses It is eat";

  private PlainStoryWords() {}

  /** Returns all of them. */
  public static Set<String> all() {
    return Set.of(WORDS.split(" "));
  }
}
