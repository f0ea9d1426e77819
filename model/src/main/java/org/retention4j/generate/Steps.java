package org.retention4j.generate;

import org.retention4j.draft.DraftedSession;
import org.retention4j.model.Session;

/** One sequence as who chooses its tokens sees it, with a draft's help or without. */
interface Steps {
  int vocabulary();

  long room();

  void logits(float[] into);

  void step(int token);

  static Steps of(Session session) {
    return new Steps() {
      @Override
      public int vocabulary() {
        return session.model().config().vocabulary();
      }

      @Override
      public long room() {
        return session.room(0);
      }

      @Override
      public void logits(float[] into) {
        session.logits(0, into);
      }

      @Override
      public void step(int token) {
        session.step(token);
      }
    };
  }

  static Steps of(DraftedSession session) {
    return new Steps() {
      @Override
      public int vocabulary() {
        return session.vocabulary();
      }

      @Override
      public long room() {
        return session.room();
      }

      @Override
      public void logits(float[] into) {
        session.logits(into);
      }

      @Override
      public void step(int token) {
        session.step(token);
      }
    };
  }
}
