package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.recurrent.RecurrentForm;

/** What a model keeps of the shapes it was used in: sixteen at most, and no more than 32 MiB. */
class LanguageModelPlansTest {
  /** Logits of all tokens are computed for so many at once, which is what plans here weigh. */
  private static final int TOKENS = 128;

  private static final int D = 8;

  private Engine engine;

  @BeforeEach
  void open() {
    engine = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
  }

  @AfterEach
  void close() {
    engine.close();
  }

  /** The recurrent form by another number: plans of different forms are different plans. */
  private record Numbered(int number) implements RetentionForm {
    @Override
    public String name() {
      return "numbered " + number;
    }

    @Override
    public MicroBatches microBatches() {
      return MicroBatches.FULL;
    }

    @Override
    public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
      return new RecurrentForm().prepare(lane, keyWidth, valueWidth);
    }
  }

  private LanguageModel model(int vocabulary) {
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(D, 1), 8, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(vocabulary, D, List.of(layer));
    return LanguageModel.random(engine, config, WeightType.FLOAT64, 1);
  }

  private static Session session(LanguageModel model, int form) {
    SessionOptions options =
        new SessionOptions(new Numbered(form), new RecurrentForm(), false, KvCacheOptions.DEFAULT);
    return model.newSession(1, options);
  }

  /** Asks for the logits of all tokens, and with them for 128·V numbers that the plan keeps. */
  private static void readAll(Session session) {
    session.append(new int[][] {new int[TOKENS]}, (row, position, logits) -> {});
  }

  private static long blockBytes(int vocabulary) {
    return (long) TOKENS * vocabulary * Double.BYTES;
  }

  private static void assertBlocks(long bytes, int vocabulary, int blocks) {
    assertThat((double) bytes / blockBytes(vocabulary))
        .as("blocks of logits held")
        .isBetween(blocks - 0.1, blocks + 0.5);
  }

  /** Sixteen of 1.5 MB are below 32 MiB: the seventeenth takes the place of one. */
  @Test
  void keepsSixteenPlans() {
    int vocabulary = 1500;
    try (LanguageModel model = model(vocabulary)) {
      for (int form = 1; form <= 20; form++) {
        try (Session session = session(model, form)) {
          session.step(0);
          long before = HeldMemory.liveBytes();
          readAll(session);
          // One plan is the step's.
          assertBlocks(HeldMemory.liveBytes() - before, vocabulary, form < 16 ? 1 : 0);
        }
      }
    }
  }

  /** One of 41 MB is more than is kept beside the one in use, and goes when another is used. */
  @Test
  void aLargePlanGoesWhenAnotherIsUsed() {
    int vocabulary = 40_000;
    try (LanguageModel model = model(vocabulary);
        Session session = session(model, 1)) {
      long before = HeldMemory.liveBytes();
      readAll(session);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 1);
      session.step(0); // makes its plan
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 0);
      readAll(session);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 1);
      session.step(0); // finds its plan
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 0);
      readAll(session);
      readAll(session);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 1);
    }
  }

  /** Of two of 20 MB the one in use does not count; beside a third the one used last stays. */
  @Test
  void whatIsInUseDoesNotCount() {
    int vocabulary = 20_000;
    try (LanguageModel model = model(vocabulary);
        Session first = session(model, 1);
        Session second = session(model, 2)) {
      long before = HeldMemory.liveBytes();
      readAll(first);
      readAll(second);
      readAll(first);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 2);
      first.step(0);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 1);
      readAll(first); // that of the second had gone
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 1);
      readAll(second);
      assertBlocks(HeldMemory.liveBytes() - before, vocabulary, 2);
    }
  }

  /** The engine stays open, and with it only what it keeps for itself. */
  @Test
  void plansGoWithTheirModel() {
    useOnce();
    long before = HeldMemory.liveBytes();
    useOnce();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private void useOnce() {
    try (LanguageModel model = model(500);
        Session session = session(model, 1)) {
      session.step(0);
      readAll(session);
    }
  }

  @Test
  void aPlanThatFailsLeavesNothingBehind() {
    SessionOptions unready =
        new SessionOptions(
            new UnreadyForm("unready"), new RecurrentForm(), false, KvCacheOptions.DEFAULT);
    try (LanguageModel model = model(500);
        Session session = model.newSession(1, unready)) {
      session.step(0);
      long before = HeldMemory.liveBytes();
      assertThatIllegalStateException()
          .isThrownBy(() -> readAll(session))
          .withMessageContaining("not ready");
      assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
      assertThat(session.position(0)).isEqualTo(1);
    }
  }
}
