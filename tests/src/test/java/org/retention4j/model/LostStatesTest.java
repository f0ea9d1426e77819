package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.ops.WeightType;

/** How users of other software lost states, or got those of others. */
class LostStatesTest extends SessionFixture {
  @TempDir Path folder;

  private LanguageModel model;

  @BeforeEach
  void makeModel() {
    model = model(config(true), WeightType.FLOAT32, 1);
  }

  private byte[] saved(Session session) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    session.save(Channels.newChannel(bytes), SaveOptions.DEFAULT);
    return bytes.toByteArray();
  }

  private Session restored(byte[] bytes) throws IOException {
    return model.restore(
        Channels.newChannel(new ByteArrayInputStream(bytes)), RestoreOptions.DEFAULT);
  }

  /**
   * llama.cpp #26676, #25913, #28194: a restore of a recurrent model's state that said it had
   * worked, and did nothing; the text went on from an empty state, or from the one of before.
   */
  @Test
  void aRestoreIsNeverANoOp() throws IOException {
    try (Session session = model.newSession();
        Session batch = model.newSession(2, SessionOptions.DEFAULT)) {
      session.append(text(1, 50));
      byte[] bytes = saved(session);
      session.append(text(2, 5));
      float[] after = logits(session, 0);
      try (Session back = restored(bytes);
          Snapshot snapshot = back.snapshot(0)) {
        batch.append(new int[][] {text(3, 9), text(4, 70)});
        batch.put(1, snapshot, 0);
        assertThat(batch.position(1)).isEqualTo(50);
        back.append(text(2, 5));
        assertThat(logits(back, 0)).isEqualTo(after).isNotEqualTo(alone(model, text(2, 5)));
        batch.append(new int[][] {{}, text(2, 5)});
        assertClose(logits(batch, 1), after);
      }
    }
  }

  /**
   * llama.cpp #27068: a state that was saved between two updates of the cache came back corrupt,
   * and the model wrote noise. Here: at every place within and around a fold.
   */
  @Test
  void aRestoreIsRightAtEveryToken() throws IOException {
    int[] tokens = text(5, 40);
    try (Session session = model.newSession()) {
      for (int t = 0; t < tokens.length; t++) {
        session.step(tokens[t]);
        try (Session back = restored(saved(session));
            Session kept = session.fork()) {
          back.step(7);
          kept.step(7);
          assertThat(logits(back, 0)).isEqualTo(logits(kept, 0));
        }
      }
    }
  }

  /** llama.cpp #24003: the first token after a restore aborted, since there were no logits. */
  @Test
  void theFirstTokenAfterARestoreNeedsNoOther() throws IOException {
    Path file = folder.resolve("state");
    try (Session session = model.newSession()) {
      session.append(text(1, 30));
      session.save(file);
    }
    try (Session back = model.restore(file, RestoreOptions.DEFAULT)) {
      assertThat(logits(back, 0)).isEqualTo(alone(model, text(1, 30)));
    }
  }

  /**
   * RWKV-Runner #441: what one user had said came up in another's text. A place in a batch that was
   * given up holds nothing of who had it, to the bit, and a snapshot nothing of its neighbours.
   */
  @Test
  void nothingOfOneUserReachesAnother() throws IOException {
    try (Session batch = model.newSession(2, SessionOptions.DEFAULT);
        Session clean = model.newSession(2, SessionOptions.DEFAULT);
        Session single = model.newSession()) {
      batch.append(new int[][] {text(1, 300), text(2, 8)});
      clean.append(new int[][] {{}, text(2, 8)});
      batch.take(0).close();
      int[][] next = {text(3, 20), {}};
      batch.append(next);
      clean.append(next);
      assertThat(logits(batch, 0)).isEqualTo(logits(clean, 0));
      single.append(text(2, 8));
      try (Snapshot neighbour = batch.snapshot(1);
          Snapshot alone = single.snapshot(0)) {
        assertThat(neighbour.bytes()).isEqualTo(alone.bytes());
      }
    }
  }
}
