package org.retention4j.cache;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.SessionOptions;
import org.retention4j.snapshot.Fingerprint;

/**
 * Where a beginning is looked for.
 *
 * @param options how it is computed, which has its part in the hash too
 * @param depth its tokens
 * @param hash of model, engine, options, piece and tokens
 */
record PrefixKey(SessionOptions options, int depth, Fingerprint hash) {
  /** Of this arrangement of keys: a file of another is not found. */
  private static final String VERSION = "retention4j prefix 1";

  /**
   * Returns the keys of a prompt at each multiple of the piece, and at its end.
   *
   * @param lent whether pieces are read by somebody else, as he likes
   */
  static List<PrefixKey> of(
      LanguageModel model,
      SessionOptions options,
      boolean lent,
      int piece,
      int[] prompt,
      PrefixHash chain) {
    List<PrefixKey> keys = new ArrayList<>();
    Fingerprint hash = context(model, options, lent ? VERSION + " lent" : VERSION, piece);
    for (int from = 0; from < prompt.length; from += piece) {
      int to = Math.min(prompt.length, from + piece);
      hash = chain.next(hash, prompt, from, to);
      keys.add(new PrefixKey(options, to, hash));
    }
    return keys;
  }

  /** All that changes bits, beside tokens. */
  private static Fingerprint context(
      LanguageModel model, SessionOptions options, String manner, int piece) {
    Engine engine = model.engine();
    return Fingerprint.digest()
        .add(manner)
        .add(model.fingerprint())
        .add(engine.type().name())
        .add(engine.route().name())
        .add(engine.kernelsName())
        .add(engine.multipliesBfloat16() ? 1 : 0)
        .add(options.prefill().getClass().getName())
        .add(options.decode().getClass().getName())
        .add(options.toString())
        .add(piece)
        .end();
  }

  /**
   * Returns whether its name says all of the options: forms that are no records may be equal by
   * name and differ.
   */
  boolean named() {
    return options.prefill() instanceof Record && options.decode() instanceof Record;
  }

  /** Returns the name of its file. */
  String fileName() {
    return hash + "-" + depth + PrefixFolder.SUFFIX;
  }
}
