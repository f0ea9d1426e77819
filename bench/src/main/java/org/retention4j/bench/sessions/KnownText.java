package org.retention4j.bench.sessions;

import org.retention4j.draft.Draft;

/** A draft that knows how the text goes on, and is wrong at every so many tokens. */
final class KnownText implements Draft {
  private final int[] text;
  private final int wrongEach;
  private final int vocabulary;
  private int at;

  /**
   * Makes one that stands before a text.
   *
   * @param wrongEach it errs at each token that is a multiple of it, 0 for never
   */
  KnownText(int[] text, int wrongEach, int vocabulary) {
    this.text = text.clone();
    this.wrongEach = wrongEach;
    this.vocabulary = vocabulary;
  }

  @Override
  public void accept(int... tokens) {
    at += tokens.length;
  }

  @Override
  public int propose(int[] into, int most) {
    int count = Math.min(most, text.length - at);
    for (int i = 0; i < count; i++) {
      boolean wrong = wrongEach > 0 && (at + i) % wrongEach == wrongEach - 1;
      into[i] = wrong ? (text[at + i] + 1) % vocabulary : text[at + i];
    }
    return Math.max(0, count);
  }

  @Override
  public void close() {}
}
