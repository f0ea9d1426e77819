package org.retention4j.draft;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.retention4j.args.Args;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/**
 * Guesses what a smaller model of the same tokens finds likeliest.
 *
 * @since 0.1
 */
public final class ModelDraft implements Draft {
  private final Session session;
  private final float[] logits;
  private int[] unread = new int[256];
  private int count;

  /** Set by a token that its model does not know. */
  private boolean lost;

  /** Begins a text; the model stays the caller's. */
  public ModelDraft(LanguageModel model) {
    session = Args.present("a model", model).newSession();
    logits = new float[model.config().vocabulary()];
  }

  @Override
  public void accept(int... tokens) {
    Args.present("tokens", tokens);
    if (count + tokens.length > unread.length) {
      unread = Arrays.copyOf(unread, Math.max(2 * unread.length, count + tokens.length));
    }
    for (int token : tokens) {
      lost |= token < 0 || token >= logits.length;
    }
    System.arraycopy(tokens, 0, unread, count, tokens.length);
    count += tokens.length;
  }

  /** Guesses nothing where the caches of its model are full, or behind a token unknown to it. */
  @Override
  public int propose(int[] into, int most) {
    if (lost || count + session.position(0) == 0 || session.room(0) < (long) count + most) {
      return 0;
    }
    if (count > 0) {
      long before = session.position(0);
      try {
        session.append(Arrays.copyOf(unread, count));
        count = 0;
      } catch (CancellationException e) { // an interrupt is for who asks, and guesses can wait
        int read = (int) (session.position(0) - before);
        count -= read;
        System.arraycopy(unread, read, unread, 0, count);
        return 0;
      }
    }
    try (Session.Mark mark = session.mark()) {
      for (int i = 0; i < most; i++) {
        session.logits(0, logits);
        into[i] = largest(logits);
        if (i + 1 < most) {
          session.step(into[i]);
        }
      }
      session.rollback(mark);
    }
    return most;
  }

  /** Returns the place of the largest, of equals the first; 0 where all are NaN. */
  private static int largest(float[] of) {
    int best = 0;
    for (int i = 1; i < of.length; i++) {
      best = of[i] > of[best] ? i : best;
    }
    return best;
  }

  @Override
  public void close() {
    session.close();
  }
}
